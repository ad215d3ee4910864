// The board against the real server and phones that really ring.
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
});

after(async () => {
  await browser?.close();
  await house?.close();
});

afterEach(() => assert.deepEqual(page.complaints, [], 'nothing in the page complains'));

const row = (name) => page.locator('.prow', { hasText: name });
const card = (name) => page.locator('.card', { hasText: name });
const missing = (name) => page.locator('.miss', { hasText: name });
const place = (name) => page.locator(`[data-place=${name}]`).first();

async function signIn(on = page) {
  await on.goto(house.base);
  await on.fill('#email', IRINA.email);
  await on.fill('#password', IRINA.password);
  await on.click('.lcard .primary');
  await on.waitForSelector('.rail');
}

/** With real mouse events, in small steps, as a hand does. */
async function drag(from, to, at = { x: 0.5, y: 0.5 }) {
  await from.scrollIntoViewIfNeeded();
  const a = await from.boundingBox();
  await page.mouse.move(a.x + Math.min(60, a.width / 2), a.y + 12);
  await page.mouse.down();
  await page.mouse.move(a.x + Math.min(60, a.width / 2) + 10, a.y + 16, { steps: 3 });
  const b = await to.boundingBox();
  await page.mouse.move(b.x + b.width * at.x, b.y + b.height * at.y, { steps: 10 });
}

async function openRoom(number) {
  await page.goto(`${house.base}/rooms/${number}`);
  await page.waitForSelector('.people .prow');
}

test('a wrong password is refused in words, the right one opens the board', async () => {
  await page.goto(house.base);
  await page.fill('#email', IRINA.email);
  await page.fill('#password', 'not-this-one');
  await page.click('.lcard .primary');
  const why = page.locator('#sign-in-failed span');
  await why.waitFor();
  assert.notEqual((await why.textContent()).trim(), '');

  await signIn();

  await page.waitForSelector('.picker');
  assert.match(await page.locator('.tiles').last().textContent(), /9000/);
});

test('a person dragged onto the room is called, and dragged out is released', async () => {
  await openRoom('9001');
  const mark = house.mark();

  await drag(row('Katya Melnik'), place('speakers'));
  assert.match(await page.locator('.slot strong').textContent(), /Call 112 and join/);
  assert.equal(await page.locator('.copy').count(), 1, 'the copy follows the hand');
  await page.mouse.up();

  await house.phone('Katya Melnik', 'ringing', mark);
  await house.phone('Katya Melnik', 'answered', mark);
  await card('Katya Melnik').waitFor();
  assert.equal(house.since(mark, 'Katya Melnik', 'invited').length, 1, 'the phone rang once');
  await row('Katya Melnik').locator('.word', { hasText: 'in room' }).waitFor();

  await drag(card('Katya Melnik'), place('people'), { x: 0.5, y: 0.6 });
  assert.match(await page.locator('.slot strong').textContent(), /Take Katya Melnik out/);
  await page.mouse.up();

  const released = await house.phone('Katya Melnik', 'released', mark);
  assert.equal(released.by, 'peer', 'the server hung up, not the phone');
  await card('Katya Melnik').waitFor({ state: 'detached' });
  await page.locator('.toast', { hasText: 'Katya Melnik was taken out' }).waitFor();
});

test('undo brings back who was taken out', async () => {
  await openRoom('9001');
  let mark = house.mark();
  await drag(row('Zoya Petrenko'), place('speakers'));
  await page.mouse.up();
  await card('Zoya Petrenko').waitFor();
  await card('Zoya Petrenko').hover();
  await card('Zoya Petrenko').locator('[data-act=out]').click();
  await house.phone('Zoya Petrenko', 'released', mark);

  mark = house.mark();
  await page.locator('.toast button', { hasText: 'Undo' }).click();

  await house.phone('Zoya Petrenko', 'answered', mark);
  await card('Zoya Petrenko').waitFor();
});

test('the same by keyboard: Space lifts, arrows choose, Enter drops', async () => {
  await openRoom('9001');
  const mark = house.mark();
  await row('Oleg Sorokin').focus();
  await page.keyboard.press('Space');
  await page.waitForFunction(() => /Oleg Sorokin lifted/.test(document.querySelector('[aria-live=assertive]').textContent));
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => /Speakers\. Call \+7 916 204-00-01 and join/.test(document.querySelector('[aria-live=assertive]').textContent));
  await page.keyboard.press('Enter');

  await house.phone('Oleg Sorokin', 'invited', mark);
  await card('Oleg Sorokin').waitFor();

  await card('Oleg Sorokin').focus();
  await page.keyboard.press('Delete');
  assert.equal((await house.phone('Oleg Sorokin', 'released', mark)).by, 'peer');
  await card('Oleg Sorokin').waitFor({ state: 'detached' });
});

test('Escape puts back, and nobody is called', async () => {
  await openRoom('9001');
  const mark = house.mark();
  await row('Katya Melnik').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => /put back/.test(document.querySelector('[aria-live=assertive]').textContent));

  assert.equal(await page.locator('.prow.lifted').count(), 0);
  assert.equal(house.since(mark, 'Katya Melnik', 'invited').length, 0);
});

test('a number of no employee is called into the room', async () => {
  await openRoom('9001');
  const mark = house.mark();
  await page.fill('#dial', '+49 30 20932093');
  await page.keyboard.press('Enter');
  await house.phone('Guest', 'answered', mark);
  await card('+493020932093').waitFor();
});

test('a member is muted and unmuted, and becomes a listener by dragging', async () => {
  await openRoom('9001');
  const zoya = card('Zoya Petrenko');
  await zoya.hover();
  await zoya.locator('[data-act=mute]').click();
  await zoya.locator('.flag.muted').waitFor();
  await zoya.hover();
  await zoya.locator('[data-act=mute]').click();
  await zoya.locator('.flag.muted').waitFor({ state: 'detached' });

  await drag(zoya, place('listeners'));
  await page.mouse.up();
  await page.locator('.lrow', { hasText: 'Zoya Petrenko' }).waitFor();
  await page.locator('.toast', { hasText: 'Zoya Petrenko: listener' }).waitFor();
});

test('a meeting is scheduled with people dragged into it', async () => {
  await page.click('.rail a[href="/calendar"]');
  await page.click('[data-act=new]');
  await page.fill('[name=title]', 'Morning roll');
  for (const name of ['Katya Melnik', 'Pavel Orlov']) {
    await drag(page.locator('.trow', { hasText: name }), page.locator('.invited'));
    assert.match(await page.locator('.invited .slot strong').textContent(), new RegExp(`Invite ${name}`));
    await page.mouse.up();
    await page.locator('.pchip', { hasText: name }).waitFor();
  }
  await page.fill('.outside [name=number]', '12x');
  await page.keyboard.press('Enter');
  await page.click('[data-act=save]');
  await page.locator('.pchip.bad', { hasText: '12x' }).waitFor();
  assert.notEqual((await page.locator('.form .note.bad').textContent()).trim(), '', 'the field says what is wrong');

  await page.locator('.pchip.bad .pcx').click();
  await page.click('[data-act=save]');
  await page.locator('.coming', { hasText: 'Morning roll' }).waitFor();

  const meetings = await house.api('GET', 'meetings');
  const planned = meetings.find((meeting) => meeting.title === 'Morning roll');
  assert.deepEqual(planned.participants.map((one) => one.name).sort(), ['Katya Melnik', 'Pavel Orlov']);
});

test('a meeting is changed by dragging its edge, and two cannot have one room', async () => {
  await page.click('.rail a[href="/calendar"]');
  await page.locator('.lnkrow', { hasText: 'Morning roll' }).click();
  const edge = page.locator('.ev.new .handle');
  // In the evening the meeting lies below what the week shows at first.
  await edge.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  const handle = await edge.boundingBox();
  await page.mouse.move(handle.x + 4, handle.y + 4);
  await page.mouse.down();
  await page.mouse.move(handle.x + 4, handle.y + 4 + 32, { steps: 4 });
  await page.mouse.up();
  await page.click('[data-act=save]');
  await page.waitForSelector('.phead');
  const [meeting] = (await house.api('GET', 'meetings')).filter((one) => one.title === 'Morning roll');
  assert.ok(meeting.duration_min > 60, `${meeting.duration_min} min is longer than it was`);

  await page.click('[data-act=new]');
  await page.fill('[name=title]', 'In the same room');
  await page.click('[data-act=save]');
  await page.locator('.form .note.bad .lnk').click();
  await page.click('[data-act=save]');
  await page.locator('.coming', { hasText: 'In the same room' }).waitFor();
});

test('Start calls the roll: one comes, one declines and is not called again', async () => {
  await page.click('.rail a[href="/calendar"]');
  const mark = house.mark();
  await page.locator('.coming', { hasText: 'Morning roll' }).locator('[data-act=start]').click();
  await page.waitForURL('**/rooms/9000');
  await page.locator('h1', { hasText: 'Morning roll' }).waitFor();

  await house.phone('Pavel Orlov', 'ringing', mark);
  await missing('Pavel Orlov').locator('.why', { hasText: /ringing|Dialling/ }).waitFor();
  await house.phone('Pavel Orlov', 'rejected', mark);
  await missing('Pavel Orlov').locator('.why', { hasText: 'Declined at' }).waitFor();
  await card('Katya Melnik').waitFor();
  assert.match(await page.locator('.rsay').textContent(), /2 expected: 1 here, 1 not called again/);

  await missing('Pavel Orlov').locator('[data-act=call]').click();
  await missing('Pavel Orlov').locator('.askline', { hasText: 'Call anyway?' }).waitFor();
  assert.equal(house.since(mark, 'Pavel Orlov', 'invited').length, 1, 'asked first, not called');
});

test('the board speaks Russian and stays so', async () => {
  await page.click('.rail .end');
  await page.click('.settings [lang=ru]');
  await page.locator('h2', { hasText: 'Ждём, но их нет' }).waitFor();
  await page.reload();
  await page.locator('h2', { hasText: 'Спикеры' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru');
  await missing('Pavel Orlov').locator('.why', { hasText: 'Звонок отклонён' }).waitFor();
  await page.click('.rail .end');
  await page.click('.settings [lang=en]');
  await page.locator('h2', { hasText: 'Speakers' }).waitFor();
});

test('a lost server is told, and the board comes back by itself', async () => {
  await openRoom('9000');
  await card('Katya Melnik').waitFor();
  await house.killServer();

  await page.locator('.lost', { hasText: 'The board lost its line to the server' }).waitFor();
  assert.ok(await page.locator('.tools .danger').isDisabled(), 'buttons wait');
  assert.equal(await card('Katya Melnik').count(), 1, 'what was known stays in sight');

  await house.startServer();
  await page.locator('.lost').waitFor({ state: 'detached' });
  await page.waitForFunction(() => !document.querySelector('.tools .danger')?.disabled);
});

test('on a phone a person is called from a sheet', async () => {
  const phone = await openBrowser({ width: 360, height: 760, touch: true });
  try {
    await signIn(phone.page);
    await phone.page.goto(`${house.base}/rooms/9001`);
    await phone.page.locator('.tabs button').first().tap();
    const mark = house.mark();
    await phone.page.locator('.prow', { hasText: 'Irina Belova' }).tap();
    const sheet = phone.page.locator('.menu');
    await sheet.waitFor();
    await sheet.locator('.drop').first().tap();
    await house.phone('Irina Belova', 'invited', mark);

    await phone.page.locator('.tabs button').nth(1).tap();
    await phone.page.locator('.card', { hasText: 'Irina Belova' }).waitFor();
    const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `nothing is wider than the phone: ${wide}`);
    assert.deepEqual(phone.page.complaints, []);
  } finally {
    await phone.close();
  }
});

test('the meeting ends, and its report tells every call', async () => {
  await openRoom('9000');
  await page.click('.tools .danger');
  await page.locator('.ask .danger').click();
  await page.locator('.toast', { hasText: 'The meeting is over' }).waitFor();

  await page.click('.rail a[href="/history"]');
  await page.locator('.hlist a', { hasText: 'Morning roll' }).click();
  await page.locator('.missed li', { hasText: 'Pavel Orlov' }).waitFor();
  const outcomes = page.locator('.attempts tr', { hasText: 'Pavel Orlov' });
  assert.match(await outcomes.first().textContent(), /Declined/);
  assert.match(await page.locator('.attempts tr', { hasText: 'Katya Melnik' }).first().textContent(), /Answered/);
});
