// Before the first paint: the theme and language chosen last time, so that nothing flashes.
(() => {
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is switched off: the system's choice stands
    }
  };
  const root = document.documentElement;
  const theme = kept('rollcall.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  const language = kept('rollcall.language') ?? navigator.language.slice(0, 2);
  root.lang = language === 'ru' ? 'ru' : 'en';
})();
