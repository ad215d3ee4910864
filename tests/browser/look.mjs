// Pictures of the board in made-up states: [VIEW=dark,ru,phone] node look.mjs OUT [name…]
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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

// Programs beside us, and a gateway for short messages.
function programs({ history, made: { snapshot: { now } } }) {
  const hook = (n, url, kinds, rest) => ({ id: `01890000-0000-7000-8000-0000000c000${n}`, url, kinds, created_at: now - 9 * 86_400_000, seq: 4812, tries: 0, trouble: null, taken_at: now - 40_000, given_up: 0, ...rest });
  history['/webhooks'] = [
    hook(1, 'https://crm.northway.example/hooks/rollcall', [], {}),
    hook(2, 'https://chat.northway.example/api/incoming/9f31', ['occurrence', 'meeting', 'meeting_removed', 'announced'], { tries: 7, taken_at: now - 7_200_000, trouble: { kind: 'refused', detail: '502 Bad Gateway' }, given_up: 3 }),
  ];
  history['/tokens'] = [{ id: '01890000-0000-7000-8000-0000000d0001', name: 'CRM', created_at: now - 9 * 86_400_000, used_at: now - 60_000 }];
  history['/company/sms-gateway'] = { url: 'https://sms.example/send', content_type: 'application/json', template: '{"to":"{to}","text":"{text}"}', has_token: true };
}

function recordings({ history, made: { snapshot, named } }) {
  const one = (n, ago, state, rest) => ({
    id: `01890000-0000-7000-8000-0000000e000${n}`, room_id: named.dealers.id, room_name: 'Dealers', occurrence_id: named.live.id, title: named.live.title,
    started_by: named.katya.id, started_at: snapshot.now - ago, ended_at: snapshot.now - ago + 3_000_000, state, format: 'ogg', tracks: false, duration_ms: 2_940_000,
    files: [{ name: 'mix.ogg', member: null, bytes: 8_900_000 }], ...rest,
  });
  history['/recordings'] = [
    one(1, 60_000, 'running', { files: [], ended_at: null, duration_ms: 0 }),
    one(2, 86_400_000, 'done', { tracks: true, files: [{ name: 'mix.ogg', member: null, bytes: 8_900_000 }, { name: 'track-1.ogg', member: 'Oleg Sorokin', bytes: 2_100_000 }, { name: 'track-2.ogg', member: 'Sveta Kim', bytes: 1_900_000 }] }),
    one(3, 3 * 86_400_000, 'truncated', { title: '', room_name: 'Drivers', occurrence_id: null, duration_ms: 184_000, files: [{ name: 'mix.ogg', member: null, bytes: 610_000 }] }),
  ];
}

// Somebody's menu, with his name in his own voice and its erasure asked about; or another's, named by the machine.
async function ownName(page, made, recorded) {
  made.snapshot.company.service_number = '9900';
  const person = made.snapshot.people.find((one) => one.id === made.named[recorded ? 'oleg' : 'timur'].id);
  person.recorded_name = recorded;
  await page.reload();
  await page.waitForSelector('.card');
  if (await page.locator('.tabs').isVisible()) await page.click('.tabs button:first-child');
  await page.click(`[data-person="${person.id}"]`);
  await page.waitForSelector('.menu .ownname');
  if (recorded) await page.click('[data-act=erase-name]');
}

// Two who wait to be let in.
async function lobby(page, { snapshot: { now }, named }, server) {
  const one = (n, name, ago, rest) => server.emit('waiting', {
    id: `01890000-0000-7000-8000-0000000f000${n}`, room_id: named.dealers.id, name, employee_id: null, number: `+7903111223${n}`,
    device_kind: 'outside', role: 'speaker', since_at: now - ago, ...rest,
  });
  one(1, 'Otto Müller, Süddeutsche Logistik und Spedition', 82_000);
  one(2, '', 9_000, { role: 'listener' });
  await page.locator('.atdoor').nth(1).waitFor({ state: 'attached' });
}

// The room is open, and calling begins later.
async function early(page, { snapshot: { now }, named }, server) {
  server.emit('occurrence', { ...named.live, status: 'early', starts_at: now + 1_500_000, ends_at: now + 5_100_000, dial_at: now + 1_200_000 });
  await page.locator('.note.early').waitFor();
}

async function go(page, href, wait) {
  if (await page.locator('.more').isVisible()) await page.click('.more');
  await page.click(`.rail a[href="${href}"]`);
  await page.waitForSelector(wait);
}

const scrollTo = (page, element) => page.locator(element).first().evaluate((found) => found.scrollIntoView({ block: 'start' }));

const view_ = (process.env.VIEW ?? '').split(',');
const [out, ...only] = process.argv.slice(2);
const dist = path.join(fileURLToPath(new URL('.', import.meta.url)), '../../frontend/dist');
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
  'own-name': [wide, {}, (page, made) => ownName(page, made, true)],
  'own-name-ru': [wide, { language: 'ru' }, (page, made) => ownName(page, made, true)],
  'own-name-none': [{ dark: true }, {}, (page, made) => ownName(page, made, false)],
  'phone-own-name': [phone, {}, (page, made) => ownName(page, made, true)],
  company: [wide, {}, (page, made) => companyPage(page, made)],
  'company-ru': [wide, { language: 'ru' }, (page, made) => companyPage(page, made)],
  'phone-company': [phone, {}, (page, made) => companyPage(page, made)],
  programs: [wide, {}, async (page, made, server) => {
    programs(server);
    await go(page, '/company', '.hooks');
    await scrollTo(page, '.box:has(.hooks)');
  }],
  sms: [wide, {}, async (page, made, server) => {
    server.next('PUT /company/sms-gateway', 422, { code: 'bad_template', message: 'The request needs {to} and {text}', field: 'template' });
    await go(page, '/company', '[data-act=sms-set]');
    await page.click('[data-act=sms-set]');
    await page.fill('#sms-url', 'https://sms.example/send');
    await page.fill('#sms-template', '{"to":"{to}"}');
    await page.click('.sform .primary');
    await page.waitForSelector('.sform .note.bad');
    await scrollTo(page, '.box:has(.sform)');
  }],
  recordings: [wide, {}, async (page, made, server) => {
    recordings(server);
    await go(page, '/history', '.hhead .seg');
    await page.click('.seg a[href="/history/recordings"]');
    await page.waitForSelector('.rec1');
  }],
  'recordings-none': [wide, {}, async (page) => {
    await go(page, '/history', '.hhead .seg');
    await page.click('.seg a[href="/history/recordings"]');
    await page.waitForSelector('.empty');
  }],
  hands: [wide, {}, async (page, made, server) => {
    const up = made.snapshot.members.filter((member) => member.role === 'listener').slice(0, 3);
    up.forEach((member, n) => server.emit('member', { ...member, hand_at: made.snapshot.now - (3 - n) * 20_000 }));
    const sveta = made.snapshot.members.find((member) => member.name.startsWith('Sveta') || member.name.startsWith('Света'));
    server.emit('member', { ...sveta, hand_at: made.snapshot.now - 90_000 });
    await page.locator('.hand, .flag.hand').first().waitFor({ state: 'attached' });
  }],
  written: [wide, {}, async (page, made, server) => {
    const notice = (invitation, by, state, rest = {}) => ({ id: invitation.id, about: 'room_number', occurrence_id: made.named.live.id, invitation_id: invitation.id, by, to: '+79161112219', name: invitation.name, created_at: made.snapshot.now, state, tries: 1, trouble: null, ...rest });
    server.emit('notice', notice(made.named.pavel, 'sms', { kind: 'sent', at: made.snapshot.now - 20_000 }));
    server.emit('notice', notice(made.named.anna, 'sms', { kind: 'waiting', due_at: made.snapshot.now + 9_000 }, { trouble: { kind: 'not_configured', detail: '' } }));
    if (await page.locator('.tabs').isVisible()) await page.click('.tabs button:nth-child(3)');
    await page.locator('.told').first().waitFor();
  }],
  lobby: [wide, {}, lobby], 'lobby-ru': [wide, { language: 'ru' }, lobby], 'phone-lobby': [phone, { language: 'ru' }, lobby],
  early: [wide, {}, early], 'phone-early': [phone, { language: 'ru' }, early],
  month: [wide, {}, async (page) => {
    await go(page, '/calendar', '.sched');
    await page.click('.seg [data-view=month], .seg button:nth-child(2)');
  }],
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
    server.history[`/occurrences/${live.id}`] = { occurrence: { ...live, status: 'ended' }, invitations: stories, members: [], visits, notices: [] };
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
for (const [name, [{ ...view }, { ...with_ } = {}, act]] of Object.entries(shots)) {
  if (only.length && !only.includes(name)) continue;
  Object.assign(view, view_.includes('dark') && { dark: true }, view_.includes('phone') && phone);
  if (view_.includes('ru')) with_.language = 'ru';
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
