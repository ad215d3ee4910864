// The pictures of the README, from the demo company in the middle of a real roll call:
//   ROLLCALL=target/release/rollcall node screenshots.mjs [folder]
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from './browser.mjs';
import { House } from './house.mjs';

const ROOT = path.join(fileURLToPath(new URL('.', import.meta.url)), '../..');
const out = process.argv[2] ?? path.join(ROOT, 'docs/screenshots');
const LOGIN = { email: 'irina@northway.example', password: 'roll-call-demo' };

const house = await House.open(process.env.ROLLCALL, { company: '../../demo/company.toml', lines: '../../demo/lines.toml' });
const open = [];

async function look(view) {
  const browser = await openBrowser(view);
  open.push(browser);
  const { page } = browser;
  await page.goto(house.base);
  await page.fill('#email', LOGIN.email);
  await page.fill('#password', LOGIN.password);
  await page.click('.lcard .primary');
  await page.waitForSelector('.rail', { state: 'attached' });
  return page;
}

async function picture(page, name) {
  // The toasts of what was just pressed are no part of the picture.
  await page.locator('.toast').waitFor({ state: 'detached' });
  await page.screenshot({ path: path.join(out, `${name}.png`) });
  console.log(`${name}.png`);
}

try {
  fs.mkdirSync(out, { recursive: true });
  execFileSync('node', [path.join(ROOT, 'demo/meeting.mjs'), house.base, LOGIN.email, LOGIN.password], { stdio: 'inherit' });
  const phone = { width: 360, height: 760, touch: true, scale: 2 };
  const light = await look({});
  const dark = await look({ dark: true });
  const small = await look(phone);
  const smallDark = await look({ ...phone, dark: true });

  await picture(light, 'rooms-1440-light');
  await light.locator('.coming', { hasText: 'Morning roll call' }).locator('[data-act=start]').click();
  for (const page of [light, dark, small, smallDark]) await page.waitForURL('**/rooms/9000');
  // Enough of everything: people talking, a phone ringing or about to, somebody who said no.
  await light.locator('.card').nth(6).waitFor({ timeout: 120_000 });
  await light.locator('.miss.done').first().waitFor({ timeout: 120_000 });
  await light.locator('.miss.wait').first().waitFor({ timeout: 120_000 });
  await light.locator('.card.talking').first().waitFor({ timeout: 120_000 });
  await picture(light, 'board-1440-light');
  await picture(dark, 'board-1440-dark');
  await picture(small, 'board-360-light');
  await smallDark.locator('.tabs button').nth(2).tap();
  await picture(smallDark, 'board-360-dark');

  const person = await light.locator('.prow', { hasText: 'Zoya Petrenko' }).boundingBox();
  const room = await light.locator('[data-place=speakers]').boundingBox();
  await light.mouse.move(person.x + 60, person.y + 12);
  await light.mouse.down();
  await light.mouse.move(room.x + 260, room.y + Math.min(room.height - 40, 300), { steps: 8 });
  await light.locator('.slot').waitFor();
  await light.screenshot({ path: path.join(out, 'drag-1440-light.png') });
  console.log('drag-1440-light.png');
  await light.keyboard.press('Escape');
  await light.mouse.up();

  await light.click('.rail a[href="/calendar"]');
  await light.click('[data-act=new]');
  await light.fill('[name=title]', 'Drivers’ briefing');
  for (const name of ['Oleg Sorokin', 'Katya Melnik', 'Lena Frolova']) await light.locator('.trow', { hasText: name }).click();
  await light.locator('h1').click();
  await picture(light, 'calendar-1440-light');

  await dark.click('.tools .danger');
  await dark.locator('.ask .danger').click();
  await dark.click('.rail a[href="/history"]');
  await dark.locator('.hlist a[href^="/history/"]', { hasText: 'Morning roll call' }).click();
  await dark.waitForSelector('.attempts tbody tr');
  await picture(dark, 'report-1440-dark');
} finally {
  for (const browser of open) await browser.close();
  await house.close();
}
