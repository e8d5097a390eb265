//! The arrows of docs/DESIGN.md: which module of `src` may use which.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The modules from the bottom up. Each may use those above it in this list, and itself.
const ORDER: [&str; 24] = [
    "scalar",
    "error",
    "memory",
    "replace",
    "symmetric",
    "wire",
    "statistics",
    "params",
    "slice",
    "model",
    "matching",
    "direction",
    "landscape",
    "topology",
    "measure",
    "draws",
    "engine",
    "sweep",
    "path",
    "curvature",
    "trajectory",
    "io",
    "progress",
    "lib",
];

/// In which module of `src` each name of the crate's root is defined, by the `pub use` lines of lib.rs.
fn names() -> BTreeMap<String, String> {
    let lib = fs::read_to_string(source().join("lib.rs")).unwrap();
    let mut names = BTreeMap::new();
    for (position, _) in lib.match_indices("use ") {
        let statement = lib[position + 4..].split(';').next().unwrap();
        for path in paths(statement.trim_start_matches("crate::")) {
            let parts: Vec<&str> = path.split("::").collect();
            if let [module, .., name] = parts[..]
                && source().join(module).with_extension("rs").exists() | source().join(module).is_dir()
            {
                names.insert(name.to_owned(), module.to_owned());
            }
        }
    }
    names
}

/// The paths of a `use` tree, without renames.
fn paths(tree: &str) -> Vec<String> {
    let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((prefix, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.trim_end().trim_end_matches('}');
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| paths(part).into_iter().map(|path| format!("{}{path}", prefix.trim()))).collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

/// The code of a file without comments and unit tests, which may use anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Pairs of modules, the first of which uses the second, with a file that does.
fn arrows() -> BTreeMap<(String, String), String> {
    let (names, mut all) = (names(), Vec::new());
    files(&source(), &mut all);
    let mut arrows = BTreeMap::new();
    for path in all {
        let relative = path.strip_prefix(source()).unwrap();
        let from = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = code(&path);
        for (position, _) in text.match_indices("crate::") {
            let rest = &text[position + 7..];
            let statement = if text[..position].ends_with("use ") {
                rest.split(';').next().unwrap()
            } else {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next().unwrap()
            };
            for used in paths(statement) {
                let (first, last) = (used.split("::").next().unwrap(), used.rsplit("::").next().unwrap());
                let known = |name: &str| names.get(name).map(String::as_str);
                // A name of the root, or of one of the modules that lib.rs makes of names.
                let named = || known(first).or_else(|| known(last));
                let place = if ORDER.contains(&first) { Some(first) } else { named() };
                let module = place.unwrap_or_else(|| {
                    panic!("{} uses crate::{used}, which no module is known to define", relative.display())
                });
                if module != from {
                    arrows.insert((from.clone(), module.to_owned()), relative.display().to_string());
                }
            }
        }
    }
    arrows
}

#[test]
fn arrows_between_modules_run_one_way() {
    let place = |module: &str| {
        let place = ORDER.iter().position(|other| *other == module);
        place.unwrap_or_else(|| panic!("{module} is not in the list of modules"))
    };
    let arrows = arrows();
    for ((from, to), file) in &arrows {
        assert!(place(to) < place(from), "{from} may not use {to}, but {file} does");
    }
    for (from, to) in
        [("landscape", "model"), ("engine", "landscape"), ("sweep", "engine"), ("curvature", "sweep")]
    {
        assert!(arrows.contains_key(&(from.to_owned(), to.to_owned())), "{from} → {to} was not found");
    }
}

#[test]
fn trees_of_use_are_read() {
    assert_eq!(paths("{A, b::{C, d::E}, f}"), ["A", "b::C", "b::d::E", "f"]);
    assert_eq!(paths("a::{self, B}"), ["a::self", "a::B"]);
}
