//! Packages on disk and the example packages inside the binary.

use std::collections::BTreeMap;
use std::path::Path;

use tuesday_domain::definition::Package;
use tuesday_domain::problem::Problem;

/// The example packages, with their sample records.
#[derive(rust_embed::RustEmbed)]
#[folder = "../../examples"]
pub(crate) struct Examples;

/// The names of the example packages.
pub(crate) const EXAMPLES: [&str; 4] = [
    "support-triage",
    "reconciliation",
    "deal-risk",
    "document-draft",
];

/// A file of an example, by its path below `examples/`.
pub(crate) fn example_file(path: &str) -> Option<String> {
    Examples::get(path).map(|f| String::from_utf8_lossy(&f.data).into_owned())
}

/// An example package.
pub(crate) fn example(name: &str) -> Package {
    let prefix = format!("{name}/");
    Package::new(Examples::iter().filter_map(|path| {
        let inner = path.strip_prefix(&prefix)?.to_owned();
        if inner.starts_with("records/") {
            return None;
        }
        example_file(&path).map(|text| (inner, text))
    }))
}

/// Reads a package folder, or a file that `tuesday pack` wrote, and lays `set` over the values that
/// the file was packed with.
pub(crate) fn read_package(
    path: &Path,
    set: &[String],
) -> Result<(Package, BTreeMap<String, String>), Problem> {
    let (package, mut vars) = read(path)?;
    vars.extend(vars_of(set)?);
    Ok((package, vars))
}

/// As [`read_package`] for a folder, leaving out the files that `left_out` names.
pub(crate) fn read_package_without(
    path: &Path,
    set: &[String],
    left_out: &dyn Fn(&str) -> bool,
) -> Result<(Package, BTreeMap<String, String>), Problem> {
    let mut files = Vec::new();
    collect(path, path, left_out, &mut files)?;
    Ok((Package::new(files), vars_of(set)?))
}

/// Names of the files in a folder, sorted; none when there is no folder.
pub(crate) fn names(dir: &Path) -> Result<Vec<String>, Problem> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| cannot_read(dir, &e))? {
        let entry = entry.map_err(|e| cannot_read(dir, &e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// `NAME=VALUE` pairs.
fn vars_of(set: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    set.iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(n, v)| (n.trim().to_owned(), v.to_owned()))
                .ok_or_else(|| {
                    Problem::new("bad_request", format!("`{pair}` is not NAME=VALUE")).field("set")
                })
        })
        .collect()
}

fn read(path: &Path) -> Result<(Package, BTreeMap<String, String>), Problem> {
    if path.is_file() {
        let bytes = std::fs::read(path).map_err(|e| cannot_read(path, &e))?;
        return Package::from_pack_file(&bytes)
            .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())));
    }
    if !path.is_dir() {
        return Err(Problem::new(
            "not_found",
            format!("there is no package at {}", path.display()),
        )
        .way_out("name a folder with a workflow.toml"));
    }
    let mut files = Vec::new();
    collect(path, path, &|_| false, &mut files)?;
    Ok((Package::new(files), BTreeMap::new()))
}

fn collect(
    root: &Path,
    dir: &Path,
    left_out: &dyn Fn(&str) -> bool,
    files: &mut Vec<(String, String)>,
) -> Result<(), Problem> {
    for entry in std::fs::read_dir(dir).map_err(|e| cannot_read(dir, &e))? {
        let path = entry.map_err(|e| cannot_read(dir, &e))?.path();
        let Ok(inner) = path.strip_prefix(root) else {
            continue;
        };
        let name = inner.to_string_lossy().replace('\\', "/");
        if name.starts_with('.') || name == "records" || left_out(&name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, left_out, files)?;
        } else {
            let text = std::fs::read_to_string(&path).map_err(|e| cannot_read(&path, &e))?;
            files.push((name, text));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, e: &std::io::Error) -> Problem {
    Problem::new("bad_request", format!("{}: {e}", path.display()))
}
