// Light, dark, or as the system says. Runs before the page is drawn, so that it does not flash in the other colours.
(() => {
  const KEPT = "protomem-theme";
  const ORDER = ["auto", "light", "dark"];
  const kept = localStorage.getItem(KEPT);
  let theme = ORDER.includes(kept) ? kept : "auto";

  function show() {
    const root = document.documentElement;
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) button.querySelector("span").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    button?.setAttribute("aria-label", `Colours: ${theme}. Change them`);
    document.dispatchEvent(new Event("themechange"));
  }

  show();
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
      localStorage.setItem(KEPT, theme);
      show();
    });
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
})();
