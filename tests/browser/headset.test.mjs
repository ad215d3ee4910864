// This browser in a room: its microphone is heard by a phone that knows nothing of browsers,
// and it hears that phone. Sounds are told by their frequency.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { House, IRINA } from './house.mjs';

const rollcall = process.env.ROLLCALL;
assert.ok(rollcall, 'ROLLCALL names the server to test; run.sh sets it');

/** What the browser's microphone hears, and what the phone sends, Hz. */
const OURS = 1000;
const THEIRS = 620;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rollcall-headset-'));
const MICROPHONE = [
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-audio-capture=${path.join(folder, 'microphone.wav')}`,
  '--autoplay-policy=no-user-gesture-required',
];

let house;
let browser;
let page;

before(async () => {
  fs.writeFileSync(path.join(folder, 'microphone.wav'), wav());
  house = await House.open(rollcall, { company: 'headset.company.toml', lines: 'headset.lines.toml' });
  browser = await openBrowser({ flags: [...MICROPHONE, '--use-fake-ui-for-media-stream'] });
  page = browser.page;
  await page.addInitScript(listen);
  await signIn(page);
});

after(async () => {
  await browser?.close();
  await house?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

afterEach(() => assert.deepEqual(page.complaints, [], 'nothing in the page complains'));

const card = (name) => page.locator('.card', { hasText: name });
const wearing = () => page.locator('.wearing');
const room = async (number) => (await house.api('GET', 'rooms')).find((one) => one.number === number);
const members = async (number) => house.api('GET', `rooms/${(await room(number)).id}/members`);

async function signIn(on) {
  await on.goto(house.base);
  await on.fill('#email', IRINA.email);
  await on.fill('#password', IRINA.password);
  await on.click('.lcard .primary');
  await on.waitForSelector('.rail', { state: 'attached' }); // put away on a phone
}

/** Opens the room and joins it. */
async function join(number, on = page) {
  await on.goto(`${house.base}/rooms/${number}`);
  await on.click('.rh1 .join');
}

test('a browser joins, a phone hears it, and it hears the phone', async () => {
  await join('9001');
  await card('Irina Belova').waitFor();
  await wearing().locator('[data-act=mute-me]').waitFor();
  const [me] = await members('9001');
  assert.equal(me.device_kind, 'browser');
  assert.equal(me.codec, 'opus');

  const katya = (await house.api('GET', 'people')).find((one) => one.name === 'Katya Melnik');
  const mark = house.mark();
  await house.api('POST', `rooms/${(await room('9001')).id}/members`, { employee_id: katya.id, role: 'speaker' });
  await card('Katya Melnik').waitFor();

  await house.eventually(() => house.since(mark, 'Katya Melnik', 'heard').some((heard) => near(heard.tones[0], OURS)), 'the phone to hear the browser');
  await page.waitForFunction((hz) => Math.abs(window.loudestHz() - hz) < 30, THEIRS);
  await page.locator('.card.talking', { hasText: 'Irina Belova' }).waitFor();
});

test('muted, the browser is not heard; with the mute taken back it is', async () => {
  await wearing().locator('[data-act=mute-me]').click();
  await card('Irina Belova').locator('.flag.muted').waitFor();
  let mark = house.mark();
  await house.eventually(() => house.since(mark, 'Katya Melnik', 'heard').slice(-2).filter((heard) => !heard.tones.some((tone) => near(tone, OURS))).length === 2, 'the phone to hear the browser no more');

  mark = house.mark();
  await wearing().locator('[data-act=mute-me]').click();
  await house.eventually(() => house.since(mark, 'Katya Melnik', 'heard').some((heard) => near(heard.tones[0], OURS)), 'the phone to hear the browser again');
});

test('the call goes on while other pages of the board are looked at', async () => {
  await page.click('.rail a[href="/calendar"]');
  await page.waitForURL('**/calendar');
  const mark = house.mark();
  await house.eventually(() => house.since(mark, 'Katya Melnik', 'heard').filter((heard) => near(heard.tones[0], OURS)).length > 2, 'the phone to hear the browser all the time');
  await page.goBack();
  await wearing().locator('[data-act=leave]').click();
  await card('Irina Belova').waitFor({ state: 'detached' });
  await wearing().waitFor({ state: 'detached' });
  await page.locator('.rh1 .join').waitFor();
});

test('whoever is taken out of the room is told so', async () => {
  await join('9001');
  await card('Irina Belova').waitFor();
  await wearing().locator('[data-act=mute-me]').waitFor();
  const me = (await members('9001')).find((one) => one.device_kind === 'browser');

  await house.api('DELETE', `rooms/${me.room_id}/members/${me.id}`);

  await page.locator('.toast.bad', { hasText: 'You are no longer in the room' }).waitFor();
  await page.locator('.rh1 .join').waitFor();
});

test('a room with a PIN asks for it at the door', async () => {
  await join('9002');
  const pin = wearing().locator('.keys input');
  await pin.fill('4711');
  await wearing().locator('.keys button').click();

  await card('Irina Belova').waitFor();
  await wearing().locator('[data-act=leave]').click();
  await card('Irina Belova').waitFor({ state: 'detached' });
});

test('whoever closes the page has left the room', async () => {
  const other = await browser.context.newPage();
  await join('9001', other);
  await other.locator('.wearing [data-act=mute-me]').waitFor();

  await other.close();

  await page.goto(`${house.base}/rooms/9001`);
  await page.waitForSelector('.people .prow');
  await card('Irina Belova').waitFor({ state: 'detached', timeout: 45_000 });
});

test('without a microphone, and without leave to use it, the board says so', async () => {
  for (const [flags, words] of [
    [MICROPHONE, 'may not use the microphone'],
    [[], 'No microphone was found'],
  ]) {
    const bare = await openBrowser({ flags });
    if (flags.length === 0) await bare.context.grantPermissions(['microphone'], { origin: house.base });
    await signIn(bare.page);
    await join('9001', bare.page);
    await bare.page.locator('.toast.bad', { hasText: words }).waitFor();
    await bare.page.locator('.rh1 .join').waitFor();
    await bare.close();
  }
});

for (const width of [1440, 360]) {
  test(`joined, everything is in reach at ${width} px`, async () => {
    const small = await openBrowser({ width, height: 800, touch: width < 760, flags: [...MICROPHONE, '--use-fake-ui-for-media-stream'] });
    await signIn(small.page);
    await join('9001', small.page);
    const buttons = small.page.locator('.wearing button');
    await small.page.locator('.wearing [data-act=mute-me]').waitFor();
    for (const button of await buttons.all()) {
      const box = await button.boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${await button.textContent()} is within the page`);
    }
    const wide = await small.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, 'nothing sticks out');
    await small.page.locator('.wearing [data-act=leave]').click();
    await small.page.locator('.wearing').waitFor({ state: 'detached' });
    await small.close();
  });
}

function near(tone, hz) {
  return Math.abs(tone - hz) < 15;
}

/** Runs in the page: listens to what the connection brings. */
function listen() {
  const Plain = window.RTCPeerConnection;
  let analyser;
  window.RTCPeerConnection = class extends Plain {
    constructor(...words) {
      super(...words);
      this.addEventListener('track', (event) => {
        const context = new AudioContext();
        analyser = context.createAnalyser();
        analyser.fftSize = 8192;
        context.createMediaStreamSource(event.streams[0]).connect(analyser);
      });
    }
  };
  window.loudestHz = () => {
    if (!analyser) return 0;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return bins[loudest] > -70 ? (loudest * analyser.context.sampleRate) / analyser.fftSize : 0;
  };
}

/** A tone that comes and goes as syllables do: what never pauses, browsers take for noise. */
function wav() {
  const rate = 48_000;
  const seconds = 8;
  const data = Buffer.alloc(rate * seconds * 2);
  for (let i = 0; i < rate * seconds; i += 1) {
    const at = (i / rate) % 0.5;
    const swell = Math.min(1, at / 0.02, Math.max(0, (0.4 - at) / 0.02));
    data.writeInt16LE(Math.round(9_000 * swell * Math.sin((2 * Math.PI * OURS * i) / rate)), i * 2);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
