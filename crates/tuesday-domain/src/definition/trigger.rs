//! What starts a run.

use serde::{Deserialize, Serialize};

/// `[[trigger]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerSpec {
    /// Unique in the workflow.
    pub name: String,
    /// Which kind.
    pub kind: TriggerKind,
    /// Field of the body that carries the event id (dotted path); webhooks may send a header instead.
    #[serde(default)]
    pub event_id: Option<String>,
    /// webhook: reference to the Standard Webhooks secret (`env:…`, `file:…`). Without it only an
    /// API token with scope `trigger` may post.
    #[serde(default)]
    pub secret: Option<String>,
    /// file: the folder that is watched.
    #[serde(default)]
    pub folder: Option<String>,
    /// file: which names count, such as `*.json`.
    #[serde(default)]
    pub pattern: Option<String>,
    /// file: how long a file must be unchanged before it counts as complete.
    #[serde(default)]
    pub settle: Option<crate::time::Span>,
    /// schedule: five-field cron expression in the workflow's time zone.
    #[serde(default)]
    pub cron: Option<String>,
    /// schedule: occurrences missed while nothing ran.
    #[serde(default)]
    pub catch_up: Option<CatchUp>,
    /// schedule: the event body each occurrence starts with (JSON object text).
    #[serde(default)]
    pub body: Option<String>,
    /// sql: `sqlite:PATH`, or a secret reference to a `PostgreSQL` URL.
    #[serde(default)]
    pub database: Option<String>,
    /// sql: the queue table.
    #[serde(default)]
    pub table: Option<String>,
    /// sql: its primary key column, which is also the event id.
    #[serde(default)]
    pub key: Option<String>,
    /// sql: the column that holds the event as JSON.
    #[serde(default)]
    pub column: Option<String>,
    /// sql: the column that is set to the run id (or to `refused: …`) once the row is taken; NULL before.
    #[serde(default)]
    pub taken: Option<String>,
    /// How many events are expected in a period; fewer are told about.
    #[serde(default)]
    pub expect: Option<super::ExpectSpec>,
}

/// The kinds of triggers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// A signed POST.
    Webhook,
    /// A file dropped into a folder.
    File,
    /// A cron expression.
    Schedule,
    /// A row in somebody's queue table.
    Sql,
    /// `tuesday run start`.
    Cli,
}

/// What to do about missed occurrences.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// One run for the newest missed occurrence.
    Last,
    /// One run for each.
    All,
    /// None.
    Skip,
}

impl TriggerKind {
    /// The word used in definitions and in the source of an event.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::File => "file",
            Self::Schedule => "schedule",
            Self::Sql => "sql",
            Self::Cli => "cli",
        }
    }
}
