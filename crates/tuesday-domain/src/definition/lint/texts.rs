//! Texts that prompts are made of: each file names its version, and a prompt has one version of each.

use super::super::package::fault;
use super::super::texts::{FOLDER, TextUse};
use super::Lint;
use crate::ready::Ready;

impl Lint<'_> {
    /// A loose document beside the versioned ones would be a text that nobody approved.
    pub(super) fn texts(&mut self) {
        let files = self.package.files.keys();
        let loose = files.filter(|f| f.starts_with(FOLDER) && TextUse::of_file(f).is_none());
        let found: Vec<_> = loose
            .map(|file| {
                fault(
                    file,
                    None,
                    "unversioned_text",
                    "the name of the text does not say its version",
                    "name it texts/NAME.vN.md, in small letters, digits and hyphens",
                )
            })
            .collect();
        self.faults.extend(found);
    }

    pub(super) fn text_uses(&mut self, ready: &Ready) {
        let prompt = ready.def.model.prompt.clone();
        for (i, used) in ready.texts.iter().enumerate() {
            let other = |t: &&TextUse| t.name == used.name && t.version != used.version;
            let Some(other) = ready.texts[..i].iter().find(other) else {
                continue;
            };
            let message = format!("the prompt includes {used} beside v{}", other.version);
            let needle = format!("{}@{}", used.name, used.version);
            let text = self.package.text(&prompt).unwrap_or_default();
            let line = text.lines().position(|l| l.contains(&needle));
            self.faults.push(fault(
                &prompt,
                line.map(|i| i + 1),
                "text_twice",
                &message,
                "include one version of a text",
            ));
        }
        let texts = self
            .package
            .files
            .keys()
            .filter_map(|f| TextUse::of_file(f));
        let unused: Vec<TextUse> = texts.filter(|t| !ready.texts.contains(t)).collect();
        for text in unused {
            self.warn(
                &text.file(),
                "text_unused",
                &format!("the prompt does not include {text}"),
                "include it, or take it out of the package",
            );
        }
    }
}
