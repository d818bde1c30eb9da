//! Incidents as they would be reviewed, and the runbooks of the program, as pages.

use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_store::IncidentFilter;

use super::Making;
use super::markdown;
use super::page::{Block, Body, Cell, Link, Page, table};
use crate::console::words::{code, local};
use crate::refusal::read_problem;

/// Lines of a list.
const LINES: usize = 200;

fn list_name(n: u32) -> String {
    if n > 1 {
        format!("incidents/index-{n}.html")
    } else {
        "incidents/index.html".to_owned()
    }
}

/// Where a link of a Markdown page leads within the archive.
fn leads(files: &[String], folder: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://") {
        return Some(target.to_owned());
    }
    let name = target.split('#').next().unwrap_or_default();
    let known = files.iter().any(|f| f == name) && !name.contains('/');
    (known && !folder.is_empty()).then(|| format!("{}.html", name.trim_end_matches(".md")))
}

impl Making<'_> {
    /// A page for each incident and a list of them; answers how many.
    pub(super) async fn incidents(&mut self) -> Result<u64, Problem> {
        let filter = IncidentFilter {
            workflow: self.wish.workflow.clone(),
            ..IncidentFilter::default()
        };
        let engine = self.engine;
        let read = |after| engine.reader().incidents(&filter, after, LINES);
        let (mut rows, mut n, mut all) = (read(None).await.map_err(read_problem)?, 1, 0);
        loop {
            let next = match rows.last().map(|i| i.id) {
                Some(last) if rows.len() == LINES => {
                    read(Some(last)).await.map_err(read_problem)?
                }
                _ => Vec::new(),
            };
            let known = || rows.iter().filter(|i| i.opened_at <= self.at);
            let lines: Vec<Vec<Cell>> = known().map(row).collect();
            for i in known().cloned().collect::<Vec<_>>() {
                self.incident(&i).await?;
                all += 1;
            }
            let heads = vec![
                "Opened", "What", "Kind", "Workflow", "Severity", "State", "Owner",
            ];
            let body = match lines.len() {
                0 => Body::Words("There were none.".to_owned()),
                _ => table(heads, lines),
            };
            let mut around = Vec::new();
            if n > 1 {
                around.push(Link::new("Newer", list_name(n - 1)));
            }
            if !next.is_empty() {
                around.push(Link::new("Older", list_name(n + 1)));
            }
            self.page(&Page {
                name: list_name(n),
                title: "Incidents".to_owned(),
                sub: "Newest first.".to_owned(),
                crumbs: Vec::new(),
                blocks: vec![Block::new("", body)],
                around,
                at: self.at(),
            })?;
            (self.progress)("incidents", all);
            if next.is_empty() {
                return Ok(all);
            }
            (rows, n) = (next, n + 1);
        }
    }

    async fn incident(&mut self, i: &Incident) -> Result<(), Problem> {
        let text = self.engine.postmortem(i.id).await?;
        let (title, html) = markdown::page(&text, &|_| None);
        self.page(&Page {
            name: format!("incidents/{}.html", i.id),
            title,
            sub: String::new(),
            crumbs: vec![Link::new("Incidents", list_name(1))],
            blocks: vec![Block::new("", Body::Html(html))],
            around: Vec::new(),
            at: self.at(),
        })
    }

    /// The pages that alerts lead to.
    pub(super) fn runbooks(&mut self) -> Result<(), Problem> {
        let pages = crate::console::runbooks();
        let files: Vec<String> = pages.iter().map(|p| p.0.clone()).collect();
        for (name, text) in &pages {
            let (title, html) = markdown::page(text, &|to| leads(&files, "runbooks", to));
            let stem = name.trim_end_matches(".md");
            let crumbs = match stem {
                "README" => Vec::new(),
                _ => vec![Link::new("Runbooks", "runbooks/README.html")],
            };
            self.page(&Page {
                name: format!("runbooks/{stem}.html"),
                title,
                sub: String::new(),
                crumbs,
                blocks: vec![Block::new("", Body::Html(html))],
                around: Vec::new(),
                at: self.at(),
            })?;
        }
        Ok(())
    }
}

fn row(i: &Incident) -> Vec<Cell> {
    vec![
        local(i.opened_at, None).into(),
        Link::new(i.title.clone(), format!("incidents/{}.html", i.id)).into(),
        code(i.category.word()).into(),
        i.workflow.as_deref().unwrap_or("the instance").into(),
        code(i.severity.word()).into(),
        code(i.state.word()).into(),
        i.owner.as_str().into(),
    ]
}
