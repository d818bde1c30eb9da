//! What a page of the archive looks like: a title, where it lies, and blocks one below the other. Addresses
//! are relative and name files, so that they lead somewhere from a folder on a disk.

use askama::Template;
use tuesday_domain::problem::Problem;

/// Words that lead to another page; `href` is the name of a file of the archive.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) words: String,
    pub(super) href: String,
}

impl Link {
    pub(super) fn new(words: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            href: href.into(),
        }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) lines: Vec<String>,
    pub(super) href: String,
    pub(super) number: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        Self {
            lines,
            ..Self::default()
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Vec<String>> for Cell {
    fn from(lines: Vec<String>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }
}

impl From<Link> for Cell {
    fn from(link: Link) -> Self {
        Self {
            lines: vec![link.words],
            href: link.href,
            number: false,
        }
    }
}

/// A cell with a figure.
pub(super) fn number(text: String) -> Cell {
    Cell {
        lines: vec![text],
        number: true,
        ..Cell::default()
    }
}

/// An answer under its question.
pub(super) struct Answer {
    pub(super) question: String,
    pub(super) lines: Vec<String>,
}

/// What a block holds.
pub(super) enum Body {
    /// Names with what they stand for.
    Pairs(Vec<(String, String)>),
    /// A table: its headings, each with whether figures stand below it, and its rows.
    Table(Vec<(&'static str, bool)>, Vec<Vec<Cell>>),
    /// Questions with their answers.
    Answers(Vec<Answer>),
    /// A text as it was stored.
    Text(String),
    /// A page that was made of Markdown, with its HTML.
    Html(String),
    /// Pages that this one leads to.
    Links(Vec<Link>),
    /// A sentence.
    Words(String),
}

/// A table with these headings.
pub(super) fn table(heads: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Body {
    let figures = |i: usize| {
        let first = rows.first().and_then(|r| r.get(i));
        first.is_some_and(|c| c.number)
    };
    let heads = heads.into_iter().enumerate();
    Body::Table(heads.map(|(i, h)| (h, figures(i))).collect(), rows)
}

/// A block of a page.
pub(super) struct Block {
    pub(super) heading: String,
    pub(super) note: String,
    pub(super) body: Body,
}

impl Block {
    pub(super) fn new(heading: impl Into<String>, body: Body) -> Self {
        Self {
            heading: heading.into(),
            note: String::new(),
            body,
        }
    }

    pub(super) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// A page.
#[derive(Template)]
#[template(path = "archive/page.html")]
pub(super) struct Page {
    /// The name of its file.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) sub: String,
    pub(super) crumbs: Vec<Link>,
    pub(super) blocks: Vec<Block>,
    /// The page before and the one after, where a list has several.
    pub(super) around: Vec<Link>,
    /// When the archive was made.
    pub(super) at: String,
}

impl Page {
    /// The way from this page to the top of the archive.
    fn up(&self) -> String {
        "../".repeat(self.name.matches('/').count())
    }

    pub(super) fn html(&self) -> Result<String, Problem> {
        let drawn = self.render();
        drawn.map_err(|e| Problem::new("internal", format!("{}: {e}", self.name)))
    }
}
