// What is kept and what is set up, against the real server: recordings, keys, webhooks, the gateway.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { House, IRINA } from './house.mjs';

const rollcall = process.env.ROLLCALL;
assert.ok(rollcall, 'ROLLCALL names the server to test; run.sh sets it');

let house;
let browser;
let page;

before(async () => {
  house = await House.open(rollcall);
  browser = await openBrowser();
  page = browser.page;
  await page.goto(house.base);
  await page.fill('#email', IRINA.email);
  await page.fill('#password', IRINA.password);
  await page.click('.lcard .primary');
  await page.waitForSelector('.rail');
});

after(async () => {
  await browser?.close();
  await house?.close();
});

afterEach(() => assert.deepEqual(page.complaints, [], 'nothing in the page complains'));

const box = (heading) => page.locator('section.box', { has: page.locator('h2', { hasText: heading }) });

test('what is said is recorded on the board, heard in the history, and erased', async () => {
  await page.goto(`${house.base}/rooms/9001`);
  await page.locator('.prow', { hasText: 'Zoya Petrenko' }).click();
  await page.locator('.menu .drop').first().click();
  await page.locator('.card', { hasText: 'Zoya Petrenko' }).waitFor();
  const record = page.locator('.btn.rec');
  await record.click();
  await page.locator('.btn.rec[aria-pressed=true]').waitFor();
  await page.locator('.card.talking', { hasText: 'Zoya Petrenko' }).waitFor();
  await record.click();
  await page.locator('.btn.rec[aria-pressed=false]').waitFor();

  await page.click('.rail a[href="/history"]');
  await page.click('.seg a[href="/history/recordings"]');
  const audio = page.locator('.rec1 audio').first();
  await audio.waitFor();
  const seconds = await audio.evaluate((player) => new Promise((done, fail) => {
    player.onloadedmetadata = () => done(player.duration);
    player.onerror = () => fail(new Error(player.error.message));
    player.preload = 'metadata';
    player.load();
  }));
  assert.ok(seconds > 0, `${seconds} s can be heard`);

  await page.locator('.rec1 [data-act=erase]').click();
  await page.locator('.rec1 .danger').click();
  await page.locator('.empty', { hasText: 'Nothing was recorded yet' }).waitFor();
  assert.deepEqual(await house.api('GET', 'recordings'), []);
});

test('a key made on the page lets a program in, until it is revoked', async () => {
  await page.click('.rail a[href="/company"]');
  const keys = box('Keys for programs');
  await keys.locator('[name=key]').fill('CRM');
  await keys.locator('.addrow button').click();
  const secret = await keys.locator('.once input').inputValue();
  const ask = async () => (await fetch(`${house.base}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } })).status;
  assert.equal(await ask(), 200);

  await keys.locator('.once .btn').click();
  await keys.locator('.once').waitFor({ state: 'detached' });
  await keys.locator('.hooks li', { hasText: 'CRM' }).locator('.btn').click();
  await keys.locator('.hooks li').waitFor({ state: 'detached' });
  assert.equal(await ask(), 401);
});

test('a program is told, and no more; an address that is none is refused in words', async () => {
  const hooks = box('Programs that are told');
  await hooks.locator('[name=webhook]').fill('ftp://crm.example/in');
  await hooks.locator('.addrow button').click();
  await hooks.locator('.note.bad').waitFor();
  assert.notEqual((await hooks.locator('.note.bad span').textContent()).trim(), '');

  await hooks.locator('[name=webhook]').fill('https://crm.example/in');
  await hooks.locator('select').selectOption({ label: 'meetings' });
  await hooks.locator('.addrow button').click();
  await hooks.locator('.hooks li', { hasText: 'https://crm.example/in' }).waitFor();
  assert.ok((await hooks.locator('.once input').inputValue()).length > 20, 'the secret is shown');
  const [hook] = await house.api('GET', 'webhooks');
  assert.deepEqual(hook.kinds, ['occurrence', 'meeting', 'meeting_removed', 'announced']);

  await hooks.locator('.hooks li .btn').click();
  await hooks.locator('.hooks li').waitFor({ state: 'detached' });
  assert.deepEqual(await house.api('GET', 'webhooks'), []);
});

test('a gateway for short messages is set up, changed without its secret, and taken away', async () => {
  const sms = box('Short messages');
  await sms.locator('[data-act=sms-set]').click();
  await sms.locator('[name=url]').fill('https://sms.example/send');
  await sms.locator('[name=template]').fill('{"to":"{to}"}');
  await sms.locator('.primary').click();
  await sms.locator('.field.bad textarea').waitFor();
  await sms.locator('[name=template]').fill('{"to":"{to}","text":"{text}"}');
  await sms.locator('[name=token]').fill('gateway-secret');
  await sms.locator('.primary').click();
  await sms.locator('.note.ok', { hasText: 'https://sms.example/send' }).waitFor();

  await sms.locator('[data-act=sms-set]').click();
  assert.equal(await sms.locator('[name=token]').inputValue(), '', 'the secret is never shown');
  await sms.locator('[name=content_type]').fill('text/plain');
  await sms.locator('.primary').click();
  await sms.locator('[data-act=sms-remove]').waitFor();
  const set = await house.api('GET', 'company/sms-gateway');
  assert.deepEqual([set.content_type, set.has_token], ['text/plain', true]);

  await sms.locator('[data-act=sms-remove]').click();
  await sms.locator('.note', { hasText: 'Nothing is set up' }).waitFor();
});

/** A WAV file of a tone, one channel of 16-bit samples at 16 kHz. */
function wav(hz, seconds) {
  const samples = 16_000 * seconds;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  [16, 16_000, 32_000, 2 * samples].forEach((value, n) => file.writeUInt32LE(value, [16, 24, 28, 40][n]));
  [1, 1, 2, 16].forEach((value, n) => file.writeUInt16LE(value, [20, 22, 32, 34][n]));
  file.write('data', 36);
  for (let n = 0; n < samples; n += 1) file.writeInt16LE(Math.round(6_000 * Math.sin(2 * Math.PI * hz * n / 16_000)), 44 + 2 * n);
  return file;
}

test('a name is uploaded in its owner’s menu, heard there, and erased', async () => {
  await page.goto(`${house.base}/rooms/9001`);
  await page.locator('.prow', { hasText: 'Katya Melnik' }).click();
  const name = page.locator('.menu .ownname');
  await name.getByText('Spoken by the machine').waitFor();
  const choose = (buffer) => name.locator('[data-act=upload-name]').setInputFiles({ name: 'katya.wav', mimeType: 'audio/wav', buffer });
  await choose(Buffer.from('ID3 and so no WAV file'));
  await page.locator('.toast', { hasText: 'it is not a WAV file' }).waitFor();
  await choose(wav(440, 2));
  await name.getByText('own voice').waitFor();

  const asked = page.waitForResponse((answer) => answer.url().endsWith('/recorded-name'));
  await name.locator('[data-act=hear-name]').click();
  assert.ok((await asked).ok());

  await name.locator('[data-act=erase-name]').click();
  await name.locator('[data-act=erase-name-yes]').click();
  await name.getByText('Spoken by the machine').waitFor();
  assert.equal(await name.locator('[data-act=hear-name]').count(), 0);
  await page.keyboard.press('Escape');
  await page.locator('.menu').waitFor({ state: 'detached' });
});
