// Pictures of the board in made-up states: node look.mjs OUT [name…]
import fs from 'node:fs';
import path from 'node:path';
import { openBrowser } from './browser.mjs';
import { company } from './mock/company.mjs';
import { MockServer } from './mock/server.mjs';

// A trunk that was learnt, and one that is being learnt and does not tell two states apart.
async function companyPage(page, made) {
  const answer = (code, cause, outcome, after_ms, rang, early_media) => ({ code, cause, outcome, after_ms, rang, early_media, learnt_at: made.snapshot.now - 86_400_000 });
  const off = answer(480, null, 'offline', 8_200, false, true);
  const step = (condition, status) => ({ condition, status });
  made.snapshot.company.trunks = [
    { id: '01890000-0000-7000-8000-0000000b0001', name: 'North', state: 'up', calibration: null,
      learnt: [answer(404, null, 'offline', 900, false, false), answer(480, 17, 'busy', 1_400, false, true), answer(null, null, 'no_answer', null, true, false)] },
    { id: '01890000-0000-7000-8000-0000000b0002', name: 'South', state: 'down', learnt: [],
      calibration: { started_at: made.snapshot.now - 90_000, ready: false, alike: { one: 'off', other: 'busy' }, steps: [
        step('off', { kind: 'learnt', number: '+7 916 123-01-04', answer: off }),
        step('busy', { kind: 'failed', number: '+7 916 123-01-04', at: made.snapshot.now - 30_000, why: 'answered' }),
        step('unanswered', { kind: 'calling', number: '+7 916 123-01-04', since_at: made.snapshot.now - 12_000 }),
      ] } },
  ];
  await page.reload();
  if (await page.locator('.more').isVisible()) await page.click('.more');
  await page.click('.rail a[href="/company"]');
  await page.waitForSelector('.wizard');
}

const [out, ...only] = process.argv.slice(2);
const dist = path.join(import.meta.dirname, '../../frontend/dist');
const wide = {};
const phone = { width: 360, height: 760, touch: true };
const shots = {
  board: [wide], 'board-dark': [{ dark: true }], 'board-ru': [wide, { language: 'ru' }],
  'board-drag': [wide, {}, async (page, made) => {
    const from = await page.locator(`[data-person="${made.named.timur.id}"]`).boundingBox();
    const to = await page.locator('[data-place=speakers]').boundingBox();
    await page.mouse.move(from.x + 60, from.y + 12);
    await page.mouse.down();
    await page.mouse.move(to.x + 200, to.y + 120, { steps: 8 });
  }],
  'board-hover': [wide, {}, async (page, made) => {
    await page.locator(`[data-invitation="${made.named.anna.id}"] .stbtn`).hover();
  }],
  'board-menu': [wide, {}, async (page, made) => {
    await page.locator(`[data-person="${made.named.zoya.id}"]`).click();
    await page.waitForSelector('.menu');
  }],
  'board-card': [wide, {}, async (page) => { await page.locator('.card').nth(2).hover(); }],
  'board-1280': [{ width: 1280, height: 720 }], 'board-1024-ru': [{ width: 1024, height: 768 }, { language: 'ru' }],
  'board-800': [{ width: 800, height: 900 }],
  'calendar-ru': [wide, { language: 'ru' }, async (page, made) => {
    await page.click('.rail a[href="/calendar"]');
    await page.click('[data-act=new]');
    await page.locator(`[data-person="${made.named.oleg.id}"]`).click();
  }],
  'phone-nav': [phone, {}, async (page) => { await page.click('.more'); await page.waitForSelector('.rail.open'); }],
  'phone-card': [phone, {}, async (page) => { await page.locator('.card').nth(2).tap(); }],
  'phone-history': [phone, {}, async (page) => { await page.click('.more'); await page.click('.rail a[href="/history"]'); await page.waitForSelector('.hlist'); }],
  'board-many': [wide, { listeners: 2000 }],
  'board-lost': [wide, {}, async (page, made, server) => { server.drop(); await page.waitForSelector('.lost'); }],
  settings: [wide, {}, async (page) => { await page.click('.rail .end'); await page.waitForSelector('.settings'); }],
  company: [wide, {}, (page, made) => companyPage(page, made)],
  'company-ru': [wide, { language: 'ru' }, (page, made) => companyPage(page, made)],
  'phone-company': [phone, {}, (page, made) => companyPage(page, made)],
  picker: [wide, { empty: true }],
  login: [{ dark: true }, {}, async (page, made, server) => { server.signedIn = false; await page.reload(); await page.waitForSelector('.login'); }],
  calendar: [wide, {}, async (page) => { await page.click('.rail a[href="/calendar"]'); await page.waitForSelector('.sched'); }],
  'calendar-form': [wide, {}, async (page, made) => {
    await page.click('.rail a[href="/calendar"]');
    await page.click('[data-act=new]');
    await page.fill('.ttl input', 'Drivers’ briefing');
    await page.locator(`[data-person="${made.named.oleg.id}"]`).click();
    await page.locator(`[data-person="${made.named.katya.id}"]`).click();
    await page.fill('.outside [name=number]', '+4930901820');
    await page.fill('.outside [name=name]', 'Müller GmbH');
    await page.keyboard.press('Enter');
    const from = await page.locator(`[data-person="${made.named.zoya.id}"]`).boundingBox();
    const to = await page.locator('.invited').boundingBox();
    await page.mouse.move(from.x + 60, from.y + 12);
    await page.mouse.down();
    await page.mouse.move(to.x + 200, to.y + 20, { steps: 8 });
  }],
  history: [wide, {}, async (page) => { await page.click('.rail a[href="/history"]'); await page.waitForSelector('.hist'); }],
  'phone-calendar': [phone, {}, async (page) => {
    await page.click('.more');
    await page.click('.rail a[href="/calendar"]');
    await page.click('[data-act=new]');
    await page.waitForSelector('.pfoot');
  }],
  report: [wide, {}, async (page, made, server) => {
    const { live } = made.named;
    const { invitations, members } = made.snapshot;
    let n = 0;
    const attempt = (invitation, number, at, outcome, extra = {}) => ({
      id: `01890000-0000-7000-8000-0000000a00${String(n++).padStart(2, '0')}`, invitation_id: invitation.id, number, address: '+79161112212',
      device_kind: 'ip_sim', trunk_id: null, trunk_name: 'North', started_at: at, ringing_at: at + 2000, answered_at: outcome === 'answered' ? at + 9000 : null,
      ended_at: at + 20_000, outcome, row: 'busy_before_ringing', sip_code: 486, q850_cause: 17, ...extra,
    });
    const start = live.starts_at;
    const stories = invitations.map((invitation, i) => {
      const inside = invitation.status.kind === 'in_room';
      const outcome = ['busy', 'no_answer', 'offline', 'not_confirmed', 'offline', 'declined'][i % 6];
      return {
        invitation: inside ? invitation : { ...invitation, status: { kind: 'finished', why: outcome === 'declined' ? 'declined' : 'offline', at: start + 900_000 } },
        attempts: inside ? [attempt(invitation, 1, start - 120_000 + i * 3000, 'answered')] : [1, 2, 3].slice(0, 1 + (i % 3)).map((k) => attempt(invitation, k, start + k * 300_000 + i * 20_000, outcome)),
      };
    });
    const visits = members.slice(0, 8).map((m, i) => ({
      member_id: m.id, name: m.name, employee_id: m.employee_id, number: m.number, joined_at: start - 30_000 + i * 25_000,
      left_at: start + 2_900_000 + i * 60_000, why: i === 3 ? 'dropped' : 'left',
    }));
    server.history[`/occurrences/${live.id}`] = { occurrence: { ...live, status: 'ended' }, invitations: stories, members: [], visits };
    made.snapshot.occurrences[0].status = 'ended';
    await page.click('.rail a[href="/history"]');
    await page.click(`.hlist a[href="/history/${live.id}"]`);
    await page.waitForSelector('.attempts');
  }],
  'phone-room': [phone], 'phone-dark': [{ ...phone, dark: true }],
  'phone-people': [phone, {}, async (page) => { await page.click('.tabs button:nth-child(1)'); }],
  'phone-missing': [phone, {}, async (page) => { await page.click('.tabs button:nth-child(3)'); }],
  'phone-missing-ru': [phone, { language: 'ru' }, async (page) => { await page.click('.tabs button:nth-child(3)'); }],
  'phone-menu': [phone, {}, async (page, made) => {
    await page.click('.tabs button:nth-child(1)');
    await page.locator(`[data-person="${made.named.timur.id}"]`).click();
    await page.waitForSelector('.menu');
  }],
};

fs.mkdirSync(out, { recursive: true });
for (const [name, [view, with_ = {}, act]] of Object.entries(shots)) {
  if (only.length && !only.includes(name)) continue;
  const made = company(Date.now(), with_);
  const server = new MockServer(dist, made);
  const base = await server.listen();
  const { page, close } = await openBrowser(view);
  try {
    await page.goto(base);
    await page.waitForSelector('.rh1, .login');
    await act?.(page, made, server);
    await page.evaluate(() => document.fonts.ready.then(() => new Promise(requestAnimationFrame)));
    await page.screenshot({ path: path.join(out, `${name}.png`) });
    console.log(name, page.complaints.join(' | '));
  } catch (error) {
    await page.screenshot({ path: path.join(out, `${name}.png`) });
    console.log(name, 'FAILED', error.message.split('\n')[0], page.complaints.join(' | '));
  }
  await close();
  server.close();
}
