import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import { useTheme } from "./theme.ts";

export function ThemeToggle() {
  const [theme, toggle] = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <Button tone="icon" onClick={toggle} aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`}>
      <Icon name={theme === "dark" ? "sun" : "moon"} size={18} />
    </Button>
  );
}
