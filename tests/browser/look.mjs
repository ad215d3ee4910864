// Pictures of the board in made-up states: node look.mjs OUT [name…]
import fs from 'node:fs';
import path from 'node:path';
import { openBrowser } from './browser.mjs';
import { company } from './mock/company.mjs';
import { MockServer } from './mock/server.mjs';

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
  'board-many': [wide, { listeners: 2000 }],
  'board-lost': [wide, {}, async (page, made, server) => { server.drop(); await page.waitForSelector('.lost'); }],
  settings: [wide, {}, async (page) => { await page.click('.rail .end'); await page.waitForSelector('.settings'); }],
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
