// A file of its own that runs before the first paint, so that a chosen theme never flashes the other one; the page's content
// security policy allows no inline script. The key is the one in src/ui/theme.ts.
try {
  const theme = localStorage.getItem("wattboard.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}
