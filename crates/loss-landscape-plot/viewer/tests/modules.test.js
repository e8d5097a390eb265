// What no single module can show: that they fit together as one script.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../src/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
const texts = new Map(names.map((name) => [name, readFileSync(new URL(name, folder), "utf8")]));
const tests = readdirSync(new URL("./", import.meta.url))
  .filter((name) => name.endsWith(".test.js"))
  .map((name) => readFileSync(new URL(name, import.meta.url), "utf8"));

/** A text without comments. */
const code = (text) => text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");
const declared = (text) =>
  [...text.matchAll(/^(?:export )?(?:class|function|const|let) (\w+)/gm)].map(([, name]) => name);
const exported = (text) => [...text.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, name]) => name);
/** What a module imports: pairs of a name and the module that has it. */
const imported = (text) =>
  [...text.matchAll(/^import \{ (.*) \} from "\.\/(.*)";$/gm)].flatMap(([, list, from]) =>
    list.split(", ").map((name) => [name, from]),
  );
const uses = (text, name) => code(text).split(new RegExp(`(?<![\\w.])${name}(?!\\w)`)).length - 1;

test("no two modules declare one name, since the page has them all in one script", () => {
  const owners = new Map();
  for (const [file, text] of texts) {
    for (const name of declared(text)) {
      assert.ok(!owners.has(name), `${name} is declared in ${owners.get(name)} and ${file}`);
      owners.set(name, file);
    }
  }
});

test("what is imported is there, and used", () => {
  for (const [file, text] of texts) {
    const lines = text.split("\n").filter((line) => /^\s*import\b/.test(line));
    assert.equal(
      lines.length,
      new Set(imported(text).map(([, from]) => from)).size,
      `${file} has imports of another form`,
    );
    for (const [name, from] of imported(text)) {
      assert.ok(exported(texts.get(from) ?? "").includes(name), `${file} imports ${name} from ${from}`);
      assert.ok(uses(text, name) > 1, `${file} does not use ${name}`);
    }
  }
});

test("what a module uses of others it imports", () => {
  for (const [file, text] of texts) {
    const own = new Set([...declared(text), ...imported(text).map(([name]) => name)]);
    for (const [other, theirs] of texts) {
      for (const name of exported(theirs)) {
        if (other === file || own.has(name)) continue;
        // A call, a construction or a constant in capitals; local names may be the same.
        const used = new RegExp(`(?<![\\w.])(new ${name}\\b|${/^[A-Z_]+$/.test(name) ? name : `${name}\\(`})`).test(
          code(text),
        );
        const local =
          new RegExp(`(const|let|\\[|, |\\()\\s*${name}\\b\\s*(=|,|\\)|\\])`).test(code(text)) ||
          text.includes(`  ${name}(`);
        assert.ok(!used || local, `${file} uses ${name} of ${other}`);
      }
    }
  }
});

test("nothing is left that nobody uses", () => {
  for (const [file, text] of texts) {
    for (const name of declared(text)) {
      if (uses(text, name) > 1) continue;
      const elsewhere = [...texts].some(
        ([other, theirs]) => other !== file && imported(theirs).some(([n]) => n === name),
      );
      assert.ok(elsewhere, `${name} of ${file}`);
    }
    for (const name of exported(text)) {
      const wanted = [...texts.values()].some((theirs) => imported(theirs).some(([n]) => n === name));
      assert.ok(wanted || tests.some((theirs) => uses(theirs, name)), `${name} of ${file} is exported for nobody`);
    }
  }
});

test("methods are called by someone", () => {
  const all = [...texts.values()].map(code).join("\n");
  for (const [, name] of all.matchAll(/^  (?:static |get )?(\w+)\([^)]*\) \{$/gm)) {
    if (["constructor", "if", "for", "while", "switch"].includes(name)) continue;
    assert.ok(new RegExp(`\\.${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\} =`).test(all), `${name} is never called`);
  }
});

test("the crate puts all modules into the page", () => {
  const document = readFileSync(new URL("../../src/page/document.rs", import.meta.url), "utf8");
  const listed = [...document.matchAll(/^    "(\w+\.js)",$/gm)].map(([, name]) => name);
  assert.deepEqual([...listed].sort(), [...names].sort());
});
