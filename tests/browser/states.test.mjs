// States of the board that real calls reach too rarely, against a server with made-up data.
import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { company } from './mock/company.mjs';
import { MockServer } from './mock/server.mjs';

const dist = path.join(fileURLToPath(new URL('.', import.meta.url)), '../../frontend/dist');
let browser;
let page;
let server;
let made;

before(async () => {
  browser = await openBrowser();
  page = browser.page;
});
after(() => browser?.close());
afterEach(() => {
  server?.close();
  assert.deepEqual(page.complaints, [], 'nothing in the page complains');
});

async function open(with_ = {}) {
  made = company(Date.now(), with_);
  server = new MockServer(dist, made);
  await page.goto(await server.listen());
  await page.waitForSelector('.rh1');
}

/** The rows that are drawn anew while something happens. */
async function redrawn(rows, act) {
  await page.evaluate((rows) => {
    window.touched = new Set();
    window.watch = new MutationObserver((changes) => {
      for (const change of changes) {
        const element = change.target.nodeType === 1 ? change.target : change.target.parentElement;
        // The clocks of all rows tick: that is not what is asked here.
        const row = element?.closest(rows);
        if (row && !element.closest('.num')) window.touched.add(row.dataset.member ?? row.dataset.person ?? row.dataset.invitation);
      }
    });
    window.watch.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  }, rows);
  await act();
  return page.evaluate(() => (window.watch.disconnect(), [...window.touched]));
}

test('one event redraws one row', async () => {
  await open({ listeners: 60 });
  const katya = made.snapshot.members.find((member) => member.employee_id === made.named.katya.id);
  const touched = await redrawn('[data-row]', async () => {
    server.emit('member', { ...katya, muted: false });
    await page.locator(`[data-member="${katya.id}"] .flag.muted`).waitFor({ state: 'detached' });
  });
  assert.deepEqual(touched, [katya.id]);
});

test('who talks has a ring, and only that card is painted', async () => {
  await open();
  const oleg = made.snapshot.members.find((member) => member.employee_id === made.named.oleg.id);
  const touched = await redrawn('[data-row]', async () => {
    server.say({ type: 'levels', levels: [{ member_id: oleg.id, level: 73 }] });
    await page.locator(`[data-member="${oleg.id}"] .lv[stroke-dasharray="73 100"]`).waitFor({ state: 'attached' });
  });
  assert.deepEqual(touched, [oleg.id]);
});

test('of two thousand listeners only those in view exist, and the count is told', async () => {
  await open({ listeners: 2000 });
  await page.locator('.lrow').first().waitFor();
  const rows = await page.locator('.lrow').count();
  assert.ok(rows > 0 && rows < 200, `${rows} rows`);
  assert.equal(await page.locator('.lrow').first().getAttribute('aria-setsize'), '2000');

  await page.locator('.lscroll').evaluate((list) => (list.scrollTop = list.scrollHeight));
  await page.locator('.lrow[aria-posinset="2000"]').waitFor();
});

test('the board asks for what it missed, from the event it knows', async () => {
  await open();
  server.emit('room', { ...made.named.dealers, name: 'Renamed' });
  server.drop();
  await page.locator('.lost').waitFor();
  server.back();
  await page.locator('.lost').waitFor({ state: 'detached' });
  assert.equal(server.lastAfter, String(made.snapshot.seq));
});

test('nothing is drawn as done before the server says so', async () => {
  await open();
  const katya = made.snapshot.members.find((member) => member.employee_id === made.named.katya.id);
  const card = page.locator(`[data-member="${katya.id}"]`);
  await card.hover();
  const answered = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await card.locator('[data-act=mute]').click();
  await answered;
  assert.deepEqual(server.requests.at(-1), { line: `PATCH /rooms/${katya.room_id}/members/${katya.id}`, body: { muted: false }, language: 'en' });
  assert.equal(await card.locator('.flag.muted').count(), 1, 'still muted: no event has come');

  server.emit('member', { ...katya, muted: false });
  await card.locator('.flag.muted').waitFor({ state: 'detached' });
});

test('a refusal is said in the server’s own words', async () => {
  await open();
  server.next('POST /rooms', 409, { code: 'already_calling', message: 'Timur Valiev is already being called', field: null });
  await page.locator(`[data-person="${made.named.timur.id}"]`).click();
  await page.locator('.menu .drop').first().click();
  await page.locator('.toast.bad', { hasText: 'Timur Valiev is already being called' }).waitFor();
});

test('a place that cannot take it says why', async () => {
  await open();
  const person = page.locator(`[data-person="${made.snapshot.people.find((one) => one.name === 'Marat Iskanderov').id}"]`);
  const from = await person.boundingBox();
  const to = await page.locator('[data-place=speakers]').boundingBox();
  await page.mouse.move(from.x + 60, from.y + 12);
  await page.mouse.down();
  await page.mouse.move(to.x + 200, to.y + 100, { steps: 6 });
  await page.locator('.slot.refused', { hasText: 'Already being called' }).waitFor();
  await page.mouse.up();
  await page.locator('.toast.bad', { hasText: 'Already being called' }).waitFor();
  assert.ok(!server.requests.some(({ line }) => line.startsWith('POST /rooms')), 'nobody was called');
});

test('the shape of a line tells how we know', async () => {
  await open();
  await page.locator(`[data-invitation="${made.named.anna.id}"] .stbtn`).hover();
  const tip = page.locator('.tip');
  await tip.waitFor();
  assert.match(await tip.textContent(), /Offline, as of .*cause 20 from trunk North\. Sure, fades at/);
});

test('an ended session leads to the login, and back', async () => {
  await open();
  server.signedIn = false;
  server.say({ type: 'signed_out' });
  await page.waitForSelector('.login');
  await page.fill('#email', 'irina@northway.example');
  await page.fill('#password', 'anything');
  await page.click('.lcard .primary');
  await page.waitForSelector('.people .prow');
});

test('every list is one stop of the Tab key', async () => {
  await open();
  for (const list of ['.people .scroll', '.cards', '.missing .scroll']) {
    const stops = await page.locator(`${list} [data-row][tabindex="0"]`).count();
    assert.equal(stops, 1, list);
  }
  await page.locator('.people [data-row]').first().focus();
  await page.keyboard.press('ArrowDown');
  const second = await page.locator('.people [data-row]').nth(1).evaluate((row) => row === document.activeElement);
  assert.ok(second, 'the arrow moved to the second row');
});

test('whoever declined is asked about in the slot, before anybody calls', async () => {
  await open();
  const pavel = made.snapshot.people.find((one) => one.name === 'Pavel Orlov');
  const from = await page.locator(`[data-person="${pavel.id}"]`).boundingBox();
  const to = await page.locator('[data-place=speakers]').boundingBox();
  await page.mouse.move(from.x + 60, from.y + 12);
  await page.mouse.down();
  await page.mouse.move(to.x + 200, to.y + 100, { steps: 6 });
  await page.mouse.up();
  await page.locator('.slot.asks', { hasText: 'Call anyway?' }).waitFor();
  assert.ok(!server.requests.some(({ line }) => line.startsWith('POST')), 'not called yet');

  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.locator('.slot.asks .primary').click();
  await answered;
  assert.deepEqual(server.requests.at(-1).body, { employee_id: pavel.id, number: null, name: null, role: 'speaker' });
});

/** From a row to a place, with real mouse events. */
async function carry(from, to, at = { x: 0.5, y: 0.5 }) {
  await from.scrollIntoViewIfNeeded();
  const a = await from.boundingBox();
  await page.mouse.move(a.x + Math.min(40, a.width / 3), a.y + a.height / 2);
  await page.mouse.down();
  await page.mouse.move(a.x + Math.min(40, a.width / 3) + 8, a.y + a.height / 2 + 4, { steps: 3 });
  const b = await to.boundingBox();
  await page.mouse.move(b.x + b.width * at.x, b.y + b.height * at.y, { steps: 8 });
}

test('ten people are dragged into a meeting, one out again, and nine are invited', async () => {
  await open();
  await page.click('.rail a[href="/calendar"]');
  await page.click('[data-act=new]');
  await page.fill('[name=title]', 'Warehouse move');
  const ten = made.snapshot.people.slice(0, 10);
  for (const person of ten) {
    await carry(page.locator(`.trow[data-person="${person.id}"]`), page.locator('.invited'));
    await page.mouse.up();
    await page.locator('.pchip', { hasText: person.name }).waitFor();
  }
  const out = page.locator('.pchip', { hasText: ten[3].name });
  await carry(out, page.locator('.tray'));
  await page.locator('.tray .slot', { hasText: `Take ${ten[3].name} out of the meeting` }).waitFor();
  await page.mouse.up();
  await out.waitFor({ state: 'detached' });

  await carry(page.locator('.pchip', { hasText: ten[5].name }), page.locator('.hours, .week, .grid').first());
  await page.mouse.up();
  assert.equal(await page.locator('.pchip').count(), 9, 'dropped where nothing takes it, it stays');

  server.next('POST /meetings', 422, { code: 'empty_title', message: 'A meeting needs a title', field: 'title' });
  const answered = page.waitForResponse((response) => response.request().method() === 'POST' && /meetings$/.test(response.url()));
  await page.click('[data-act=save]');
  await answered;
  const { body } = server.requests.findLast(({ line }) => line === 'POST /meetings');
  const invited = ten.filter((person) => person !== ten[3]).map((person) => person.id);
  assert.deepEqual(body.participants.map((one) => one.employee_id), invited);
  assert.equal(body.remind_min, 15);
});

test('who could not be reached was sent a message, and the card says so', async () => {
  await open();
  const { anna, pavel, live } = made.named;
  const missing = (one) => page.locator(`[data-invitation="${one.id}"]`);
  const notice = (one, state, trouble = null) => server.emit('notice', {
    id: one.id, about: 'room_number', occurrence_id: live.id, invitation_id: one.id, by: 'sms', to: '+79161112219',
    name: one.name, created_at: made.snapshot.now, state, tries: 1, trouble,
  });
  notice(pavel, { kind: 'sent', at: made.snapshot.now });
  await missing(pavel).locator('.told', { hasText: 'sent' }).waitFor();
  notice(anna, { kind: 'failed', at: made.snapshot.now }, { kind: 'not_configured', detail: '' });
  await missing(anna).locator('.told.bad', { hasText: 'not sent' }).waitFor();
});

test('the menu of a row opens and closes by keys, and the focus comes back', async () => {
  await open();
  const zoya = page.locator(`[data-person="${made.named.zoya.id}"]`);
  await zoya.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.menu .drop'));
  assert.ok(!server.requests.some(({ line }) => line.startsWith('POST')), 'the key that opens it presses nothing');
  await page.keyboard.press('Escape');
  await page.locator('.menu').waitFor({ state: 'detached' });
  await page.waitForFunction((id) => document.activeElement?.dataset.person === id, made.named.zoya.id);
});

test('the question after a decline is answered by keys too', async () => {
  await open();
  const pavel = made.snapshot.people.find((one) => one.name === 'Pavel Orlov');
  await page.locator(`[data-person="${pavel.id}"]`).focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.slot.asks .primary'));
  await page.keyboard.press('Escape');
  await page.locator('.slot.asks').waitFor({ state: 'detached' });
  assert.ok(!server.requests.some(({ line }) => line.startsWith('POST')), 'nobody was called');
});

test('a long press on a phone brings the places to the thumb', async () => {
  const phone = await openBrowser({ width: 360, height: 760, touch: true });
  try {
    made = company();
    server = new MockServer(dist, made);
    await phone.page.goto(await server.listen());
    await phone.page.locator('.tabs button').first().tap();
    await phone.page.locator(`[data-person="${made.named.timur.id}"]`).scrollIntoViewIfNeeded();
    const row = await phone.page.locator(`[data-person="${made.named.timur.id}"]`).boundingBox();
    const touch = await phone.context.newCDPSession(phone.page);
    const at = { x: row.x + 100, y: row.y + 20 };
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
    await phone.page.locator('.sheet').waitFor();
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });

    const answered = phone.page.waitForResponse((response) => response.request().method() === 'POST');
    await phone.page.locator('.sheet .drop[data-place=listeners]').tap();
    await answered;
    assert.equal(server.requests.at(-1).body.role, 'listener');
    await phone.page.locator('.sheet').waitFor({ state: 'detached' });
    assert.deepEqual(phone.page.complaints, []);
  } finally {
    await phone.close();
  }
});
