//! The console's own files: one style sheet, one script, fonts, an icon; nothing from elsewhere.
//!
//! Every address carries a part of the file's hash, so browsers may keep the bytes for ever and a
//! new build is never mixed with an old one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use sha2::{Digest, Sha256};

#[derive(rust_embed::RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Style files in the order they are joined.
const STYLES: &[&str] = &[
    "css/tokens.css",
    "css/base.css",
    "css/icons.css",
    "css/layout.css",
    "css/parts.css",
    "css/review.css",
    "css/run.css",
    "css/people.css",
    "css/rules.css",
    "css/charter.css",
    "css/money.css",
];

/// Script files; each imports only from files above it, so that the addresses it names are known.
const SCRIPTS: &[&str] = &[
    "js/dom.js",
    "js/desk.js",
    "js/drafts.js",
    "js/send.js",
    "js/live.js",
    "js/select.js",
    "js/presence.js",
    "js/rules.js",
    "js/keys.js",
    "js/passkey.js",
    "js/kept.js",
    "js/console.js",
];

/// One file as it is served.
pub(crate) struct Asset {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mime: &'static str,
}

/// Addresses that the layout prints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) css: String,
    /// The script that the page starts.
    pub(crate) js: String,
    /// What it imports, so that the browser asks for all of it at once.
    pub(crate) modules: Vec<String>,
    pub(crate) font: String,
    pub(crate) icon: String,
}

/// Every file by the last part of its address.
pub(crate) struct Assets {
    files: HashMap<String, Asset>,
    pub(crate) links: Links,
}

/// The assets of this build.
pub(crate) fn all() -> &'static Assets {
    static ALL: LazyLock<Assets> = LazyLock::new(Assets::load);
    &ALL
}

impl Assets {
    /// Reads, joins and names everything once, at start.
    pub(crate) fn load() -> Self {
        let mut all = Self {
            files: HashMap::new(),
            links: Links::default(),
        };
        let mut fonts = HashMap::new();
        for name in Files::iter().filter(|n| n.ends_with(".woff2")) {
            fonts.insert(
                name.to_string(),
                all.keep(&name, bytes(&name), "font/woff2"),
            );
        }
        all.links.font = fonts
            .iter()
            .find(|(name, _)| name.contains("inter"))
            .map(|(_, at)| at.clone())
            .unwrap_or_default();
        let css = STYLES
            .iter()
            .map(|name| resolve(&text(name), &fonts))
            .collect::<Vec<_>>()
            .join("\n");
        all.links.css = all.keep("tuesday.css", css.into_bytes(), "text/css; charset=utf-8");
        let mut scripts = Vec::new();
        for name in SCRIPTS {
            let script = imports(&text(name), &scripts).into_bytes();
            let link = all.keep(name, script, "text/javascript; charset=utf-8");
            scripts.push((name.trim_start_matches("js/"), link));
        }
        let mut links: Vec<String> = scripts.into_iter().map(|(_, link)| link).collect();
        all.links.js = links.pop().unwrap_or_default();
        all.links.modules = links;
        all.links.icon = all.keep("favicon.svg", bytes("favicon.svg"), "image/svg+xml");
        all
    }

    /// The file with this address part.
    pub(crate) fn get(&self, name: &str) -> Option<&Asset> {
        self.files.get(name)
    }

    fn keep(&mut self, path: &str, bytes: Vec<u8>, mime: &'static str) -> String {
        let hash = hex::encode(&Sha256::digest(&bytes)[..8]);
        let base = path.rsplit('/').next().unwrap_or(path);
        let (stem, ending) = base.rsplit_once('.').unwrap_or((base, "bin"));
        let name = format!("{stem}-{hash}.{ending}");
        let link = format!("/assets/{name}");
        self.files.insert(name, Asset { bytes, mime });
        link
    }
}

/// The style sheet of the archive: the console's colours, and nothing that a folder would have to hold
/// beside it.
pub(crate) fn archive_style() -> String {
    let tokens = text("css/tokens.css");
    let colours = tokens.find("@layer tokens {").unwrap_or(0);
    format!("{}\n{}", &tokens[colours..], text("css/archive.css"))
}

fn bytes(name: &str) -> Vec<u8> {
    Files::get(name)
        .map(|f| f.data)
        .unwrap_or(Cow::Borrowed(&[]))
        .into_owned()
}

fn text(name: &str) -> String {
    String::from_utf8_lossy(&bytes(name)).into_owned()
}

/// Replaces the names of imported files by their addresses.
fn imports(script: &str, known: &[(&str, String)]) -> String {
    known.iter().fold(script.to_owned(), |text, (name, link)| {
        text.replace(&format!("\"./{name}\""), &format!("\"{link}\""))
    })
}

/// Replaces `asset:…` addresses: fonts by their own address, small pictures by their bytes.
fn resolve(css: &str, fonts: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = rest.find("asset:") {
        out.push_str(&rest[..at]);
        rest = &rest[at + "asset:".len()..];
        let end = rest.find('"').unwrap_or(rest.len());
        let name = &rest[..end];
        match fonts.get(name) {
            Some(link) => out.push_str(link),
            None => {
                out.push_str("data:image/svg+xml;base64,");
                out.push_str(&base64::engine::general_purpose::STANDARD.encode(bytes(name)));
            }
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn every_address_in_the_style_sheet_exists_and_is_ours() {
        let assets = Assets::load();
        let name = assets.links.css.strip_prefix("/assets/").unwrap();
        let css = String::from_utf8(assets.get(name).unwrap().bytes.clone()).unwrap();
        assert!(
            !css.contains("asset:")
                && !css.contains("http://www.example")
                && !css.contains("@import")
        );
        for part in css.split("url(\"").skip(1) {
            let target = part.split('"').next().unwrap();
            match target.strip_prefix("/assets/") {
                Some(file) => assert!(assets.get(file).is_some(), "{target}"),
                None => assert!(
                    target.starts_with("data:image/svg+xml;base64,") && target.len() > 100,
                    "{target}"
                ),
            }
        }
        for file in STYLES {
            assert!(!bytes(file).is_empty(), "{file}");
        }
    }

    #[test]
    fn the_archive_has_colours_and_asks_for_no_file() {
        let css = archive_style();
        assert!(css.contains("--accent:") && css.contains("@media print"));
        assert!(!css.contains("url(") && !css.contains("@import") && !css.contains("asset:"));
    }

    #[test]
    fn the_scripts_stay_small_and_import_only_what_there_is() {
        let assets = Assets::load();
        let mut sum = 0;
        for link in assets.links.modules.iter().chain([&assets.links.js]) {
            let file = assets.get(link.trim_start_matches("/assets/")).unwrap();
            let script = String::from_utf8(file.bytes.clone()).unwrap();
            assert!(
                !script.is_empty() && !script.contains("from \"./"),
                "{link}"
            );
            for part in script.split("from \"/assets/").skip(1) {
                assert!(assets.get(part.split('"').next().unwrap()).is_some());
            }
            sum += script.len();
        }
        assert!(sum < 60_000, "{sum} bytes of script");
        let listed = Files::iter().filter(|n| n.ends_with(".js")).count();
        assert_eq!(listed, SCRIPTS.len());
    }

    #[test]
    fn the_vendored_files_are_what_they_were() {
        let list = text("vendor/vendor.toml");
        let value = |line: &str| line.split('"').nth(1).unwrap().to_owned();
        let mut path = String::new();
        let mut seen = 0;
        for line in list.lines() {
            if line.starts_with("path") {
                path = value(line);
            } else if line.starts_with("sha256") {
                assert_eq!(
                    hex::encode(Sha256::digest(bytes(&format!("vendor/{path}")))),
                    value(line),
                    "{path}"
                );
                seen += 1;
            }
        }
        assert_eq!(
            seen + 1,
            Files::iter().filter(|n| n.starts_with("vendor/")).count()
        );
    }
}
