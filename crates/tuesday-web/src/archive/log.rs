//! What the log said when it was verified, the bundle with its proofs, and the first page.

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::audit::VerifierKey;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::{ExportQuery, Verified};

use super::page::{Block, Body, Cell, Link, Page, number, table};
use super::{Archived, Making};
use crate::console::words::{code, count, local, plural};
use crate::refusal::read_problem;

const HOW: &str = "1. Take the key of the log from somewhere else than this folder: a mail, a charter, a colleague. `audit/vkey` is only the \
word of whoever made the archive.
2. `python3 audit/verify_bundle.py audit/log.bundle 'THE KEY'` checks every entry against the signed head. It needs Python and `openssl`, no network and no \
`tuesday`. It ends with `GOOD`, or names the first entry that is not what was signed.
3. `sha256sum -c SHA256SUMS` says whether the pages are the ones that were made.
";

impl Making<'_> {
    /// The bundle, and the page about it.
    pub(super) async fn log(
        &mut self,
        verified: &Verified,
        by: &Actor,
        key: &VerifierKey,
    ) -> Result<(), Problem> {
        let query = ExportQuery {
            workflow: self.wish.workflow.clone(),
            without_payloads: true,
            ..ExportQuery::default()
        };
        let mut file = self.shelf.open("audit/log.bundle")?;
        let done = Box::pin(self.engine.export(&query, by, key, &mut file, |_, _| ())).await?;
        self.shelf.close(file)?;
        self.shelf.put("audit/vkey", &format!("{key}\n"))?;
        self.shelf
            .put("audit/verify_bundle.py", &self.wish.script)?;
        let reader = self.engine.reader();
        let instance = reader.instance().await.map_err(read_problem)?;
        let head = reader.latest_checkpoint().await.map_err(read_problem)?;
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let facts = vec![
            pair("Log", instance.map(|i| i.origin).unwrap_or_default()),
            pair("Key", key.to_string()),
            pair(
                "Verified",
                format!(
                    "{}, every entry against every head that was ever signed",
                    self.bound()
                ),
            ),
            pair("Entries", count(verified.entries)),
            pair("Covered by a signed head", count(verified.sealed)),
            pair("Heads that hold", count(verified.checkpoints as u64)),
            pair("Root of the tree", verified.root.clone()),
            pair("Entries in audit/log.bundle", count(done.entries)),
        ];
        let (_, how) = super::markdown::page(HOW, &|_| None);
        let mut blocks = vec![
            Block::new("When this archive was made", Body::Pairs(facts)),
            Block::new("Verify it yourself", Body::Html(how)),
        ];
        if let Some(head) = head {
            let about = format!(
                "{} entries, signed {}.",
                count(head.size),
                local(head.at, None)
            );
            blocks.push(Block::new("The newest signed head", Body::Text(head.note)).noted(about));
        }
        self.page(&Page {
            name: "log.html".to_owned(),
            title: "The audit log".to_owned(),
            sub: "Every change of state is an entry of this log; each page of a run names the places of its own.".to_owned(),
            crumbs: Vec::new(),
            blocks,
            around: Vec::new(),
            at: self.at(),
        })
    }

    /// The first page.
    pub(super) fn index(
        &mut self,
        rows: &[(&Workflow, u64)],
        out: &Archived,
    ) -> Result<(), Problem> {
        let row = |(w, runs): &(&Workflow, u64)| {
            vec![
                Cell::from(self.of(w)),
                code(w.label.word()).into(),
                code(w.stage.word()).into(),
                code(w.switch.word()).into(),
                w.owner.as_str().into(),
                number(count(*runs)),
            ]
        };
        let (ended, other): (Vec<_>, Vec<_>) =
            rows.iter().partition(|(w, _)| w.label == Label::Retired);
        let heads = || {
            vec![
                "Workflow",
                "Label",
                "Stage",
                "Switch",
                "Operator owner",
                "Runs",
            ]
        };
        let mut blocks = Vec::new();
        for (heading, of) in [
            ("Retired", ended),
            ("Not retired when this was made", other),
        ] {
            if !of.is_empty() {
                let cells = of.into_iter().map(&row).collect();
                blocks.push(Block::new(heading, table(heads(), cells)));
            }
        }
        let mut links = vec![
            Link::new(
                format!("Incidents ({})", count(out.incidents)),
                "incidents/index.html",
            ),
            Link::new("Runbooks", "runbooks/README.html"),
            Link::new(
                "The audit log: what was verified, and how to verify it",
                "log.html",
            ),
        ];
        if self.wish.workflow.is_none() {
            links.insert(
                0,
                Link::new(
                    "Decisions and changes of the whole instance",
                    "changes.html",
                ),
            );
        }
        blocks.push(Block::new("Everything else", Body::Links(links)));
        blocks.push(Block::new("What this is", Body::Pairs(self.about(out))));
        self.page(&Page {
            name: "index.html".to_owned(),
            title: match (&self.wish.workflow, rows.first()) {
                (Some(_), Some((w, _))) => format!("Archive of {}", w.title),
                _ => "Archive".to_owned(),
            },
            sub: format!(
                "{} runs with their stories. Nothing here needs a server, a script or the network.",
                count(out.runs)
            ),
            crumbs: Vec::new(),
            blocks,
            around: Vec::new(),
            at: self.at(),
        })
    }

    /// What the archive is a picture of.
    fn as_of(&self) -> String {
        let (bound, entries) = (self.bound(), count(self.entries));
        let went_on = match self.went_on {
            0 => "no run went on meanwhile".to_owned(),
            n => format!(
                "{} went on meanwhile and say so, with the moment of their page",
                plural(n, "run")
            ),
        };
        format!(
            "{bound}, after {entries} entries of the log: runs, incidents and changes from after that are not here; {went_on}"
        )
    }

    fn about(&self, out: &Archived) -> Vec<(String, String)> {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let shown = match self.wish.clearance {
            Class::Restricted => "all content; keep it as you keep the database".to_owned(),
            class => format!(
                "content up to class {}; stricter content is masked",
                class.word()
            ),
        };
        vec![
            pair("Made", format!("{} by tuesday {}", self.at(), self.wish.made_by)),
            pair("As of", self.as_of()),
            pair("Log", format!("{} entries, verified", count(out.entries))),
            pair("Shows", shown),
            pair(
                "Erasures",
                "what was erased by then is not here; what is erased later stays here, so delete or make this again then".to_owned(),
            ),
            pair(
                "Not for import",
                "tuesday export DIR, without --archive, writes what another instance can take in".to_owned(),
            ),
        ]
    }
}
