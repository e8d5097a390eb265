//! Which folders of `src` may name which others, and that no file is named back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What each folder or file at the top of `src` may use.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("memory", &["error"]),
    ("error", &["criterion"]),
    ("criterion", &["fingerprint", "real"]),
    ("fingerprint", &[]),
    ("activation", &["fingerprint"]),
    ("real", &[]),
    ("layers", &["real"]),
    ("data", &["criterion", "error", "fingerprint", "memory"]),
    ("train", &["data", "error", "memory"]),
    ("mlp", &["activation", "criterion", "data", "error", "fingerprint", "memory", "real", "train"]),
    ("network", &["criterion", "data", "error", "fingerprint", "layers", "memory", "real", "train"]),
    ("transformer", &["criterion", "data", "error", "fingerprint", "memory", "network", "real"]),
    (
        "api",
        &[
            "activation",
            "criterion",
            "data",
            "error",
            "fingerprint",
            "mlp",
            "network",
            "real",
            "train",
            "transformer",
        ],
    ),
];

/// The code of a file without comments, tests, and what is imported for links of the documentation.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod").next().unwrap();
    let code = code.split("#[cfg(all(test").next().unwrap();
    let code: Vec<&str> = code.split("#[cfg(doc)]\nuse ").collect();
    let mut kept = code[0].to_owned();
    for part in &code[1..] {
        kept += part.split_once(';').map_or("", |(_, rest)| rest);
    }
    kept.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of all `crate::…` paths: of `crate::a::b` and of `crate::{a::b, c}`.
fn names(code: &str) -> BTreeSet<String> {
    let first =
        |path: &str| path.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap().to_owned();
    let mut names = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        let Some(list) = path.strip_prefix('{') else {
            names.insert(first(path));
            continue;
        };
        let (mut depth, mut entry) = (0, true);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => entry = true,
                c if entry && !c.is_whitespace() => {
                    names.insert(first(&list[at..]));
                    entry = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn folders_name_only_those_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    folders.push(path);
                }
                continue;
            }
            let inside = path.strip_prefix(&source).unwrap().with_extension("");
            let top = inside.iter().next().unwrap().to_str().unwrap().to_owned();
            if top == "lib" || inside.ends_with("tests") {
                continue;
            }
            let may_use =
                allowed.get(top.as_str()).unwrap_or_else(|| panic!("{top} has no place among the folders"));
            for name in names(&code(&path)) {
                let fine = name == top || may_use.contains(&name.as_str());
                assert!(fine, "{} names {name}, which is not below {top}", path.display());
            }
            seen.insert(top);
        }
    }
    assert_eq!(seen.len(), MAY_USE.len());
}

#[test]
fn the_rules_themselves_have_no_circle() {
    let mut rules: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    while !rules.is_empty() {
        let free: Vec<&str> = rules.iter().filter(|(_, to)| to.is_empty()).map(|(from, _)| *from).collect();
        assert!(!free.is_empty(), "a circle among {:?}", rules.keys());
        for free in free {
            rules.remove(free);
            for to in rules.values_mut() {
                to.remove(free);
            }
        }
    }
}
