// Debian's Chromium, started the same way everywhere, with nothing of the user's in it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** A browser and its one page. Whatever the page complains about lands in `page.complaints`. */
export async function openBrowser({ width = 1440, height = 900, dark = false, touch = false, locale = 'en-GB', scale = 1, flags = [] } = {}) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'rollcall-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [...FLAGS, ...flags],
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    hasTouch: touch,
    isMobile: touch,
    locale,
    timezoneId: 'Europe/Moscow',
    deviceScaleFactor: scale,
    timeout: 120_000,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('console', (message) => {
    // A server that was killed on purpose is a complaint of the network, not of the board.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection|net::ERR/.test(message.text())) {
      page.complaints.push(message.text());
    }
  });
  const close = async () => {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  };
  return { page, context, close };
}
