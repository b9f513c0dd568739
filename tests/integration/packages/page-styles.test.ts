import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "../../../packages/dashboard/src");
const read = (path: string): string => readFileSync(path, "utf8");
const sources = globSync(join(folder, "**/*.tsx")).map((path) => ({ path, text: read(path) }));
const modules = globSync(join(folder, "**/*.module.css"));

/** The classes that a sheet has, without comments and what is `:global`. */
function classesOf(sheet: string): string[] {
  const rules = sheet.replace(/\/\*[\s\S]*?\*\//g, "").replace(/:global\([^)]*\)/g, "");
  return [...new Set([...rules.matchAll(/\.([a-z][\w-]*)(?=[^{}]*\{)/gi)].map(([, name = ""]) => name))].sort();
}

it.each(modules.map((path) => relative(folder, path)))(
  "%s has the classes that its components name, and no others",
  (name) => {
    const used = new Set<string>();
    for (const { path, text } of sources) {
      for (const [, as = "", from = ""] of text.matchAll(/import (\w+) from "(\.[^"]+\.module\.css)"/g)) {
        if (join(dirname(path), from) !== join(folder, name)) continue;
        for (const [, each = ""] of text.matchAll(new RegExp(`(?<![\\w/-])${as}\\.(\\w+)`, "g"))) used.add(each);
      }
    }
    expect(classesOf(read(join(folder, name)))).toEqual([...used].sort());
  },
);

it("the classes that are written out are those of base.css", () => {
  const used = new Set<string>();
  for (const { text } of sources) {
    for (const [, names = ""] of text.matchAll(/className="([^"]+)"/g))
      for (const each of names.split(" ")) used.add(each);
    for (const [, names = ""] of text.matchAll(/className=\{`([^`]+)`\}/g)) {
      for (const each of names.replace(/\$\{[^}]*\}/g, "").split(" ")) if (each !== "") used.add(each);
    }
    if (/\? "warn" : /.test(text)) used.add("warn");
  }
  expect(classesOf(read(join(folder, "ui/base.css")))).toEqual([...used].sort());
});

it("colours and sizes of text are those of the tokens", () => {
  // The flow of energy is a picture, whose texts are as large as its units are.
  const sheets = modules.filter((path) => !path.endsWith("energy-flow.module.css"));
  const strays = sheets.flatMap((path) =>
    [
      ...read(path).matchAll(
        /^\s*(?!box-shadow)[\w-]+: [^;]*(#[0-9a-f]{3,8}\b|(?<=font-size: )[\d.]+(px|rem))[^;]*;/gm,
      ),
    ].map(([declaration]) => `${relative(folder, path)}: ${declaration.trim()}`),
  );
  expect(strays).toEqual([]);
});
