//! What is written where: one entry per intended effect, with its class and its destination's ability.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::{Ability, ActionClass};
use crate::time::Span;
use crate::words::words;

/// `[[action]]`
///
/// Record ids, recipients and addresses are expressions over the snapshot (`input` and the
/// sources); expressions over `output` are refused there, because model text never becomes an id,
/// a recipient or an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// Unique in the workflow.
    pub name: String,
    /// Consequence; decides who may authorise it.
    pub class: ActionClass,
    /// Which adapter.
    pub kind: DestinationKind,
    /// The system people use, in their words.
    pub system: String,
    /// What the destination can do about repeats.
    pub ability: Ability,
    /// Expression over the snapshot: the record that is written. Empty or missing means no unique target.
    pub target: String,
    /// Field written to expression over `input`, the sources, `output`, `run`; only these are written.
    pub fields: BTreeMap<String, String>,
    /// Expression; the action is planned only when it is true.
    #[serde(default)]
    pub when: Option<String>,
    /// Customer-facing content: the exact delivered bytes are kept.
    #[serde(default)]
    pub customer_facing: bool,
    /// Only a real instance may reach it; a test instance writes nothing there.
    #[serde(default)]
    pub production: bool,
    /// What it answers is believed: the read-back is skipped.
    #[serde(default)]
    pub trusted: bool,
    /// A stub says for what it stands: on a test instance `live` counts as a real destination. What is
    /// declared so is a stub everywhere else.
    #[serde(default)]
    pub stands_for: Option<StandsFor>,

    /// http: address template over the snapshot and `target`.
    #[serde(default)]
    pub url: Option<String>,
    /// http: method of the write.
    #[serde(default)]
    pub method: Option<HttpMethod>,
    /// http: the header that carries the write credential.
    #[serde(default)]
    pub auth: Option<SecretHeader>,
    /// http class B: header name of the idempotency key (default `Idempotency-Key`).
    #[serde(default)]
    pub key_header: Option<String>,
    /// http class B: how long the other side remembers a key.
    #[serde(default)]
    pub key_life: Option<Span>,
    /// http class E: address template that searches by `key`; answers a JSON array.
    #[serde(default)]
    pub lookup_url: Option<String>,
    /// http class E: how long a search may lag behind a write.
    #[serde(default)]
    pub settle: Option<Span>,
    /// http: address template that reads the record back, also for preconditions (class D).
    #[serde(default)]
    pub read_url: Option<String>,
    /// http: JSON pointer of the external id in the answer.
    #[serde(default)]
    pub external_id: Option<String>,
    /// http: expression over `answer`; true means that a 2xx answer carries an error.
    #[serde(default)]
    pub error_when: Option<String>,
    /// http class E: the field that carries the key.
    #[serde(default)]
    pub key_field: Option<String>,

    /// sql: `sqlite:PATH` or a secret reference to a `PostgreSQL` URL.
    #[serde(default)]
    pub database: Option<String>,
    /// sql: the table that is written; a `tuesday_receipts` table lives beside it.
    #[serde(default)]
    pub table: Option<String>,
    /// sql: the key column that equals `target`.
    #[serde(default)]
    pub key_column: Option<String>,
    /// sql: `insert`, `update` or `upsert`.
    #[serde(default)]
    pub write: Option<String>,
    /// sql: version column for the precondition.
    #[serde(default)]
    pub version_column: Option<String>,

    /// file: `.csv` or `.jsonl` file that gets one record per action.
    #[serde(default)]
    pub path: Option<String>,

    /// smtp: `host:port`.
    #[serde(default)]
    pub server: Option<String>,
    /// smtp: sender address.
    #[serde(default)]
    pub from: Option<String>,
    /// smtp: template of the subject over the snapshot and `output`.
    #[serde(default)]
    pub subject: Option<String>,
    /// smtp: the field of `fields` that is the body (default `body`).
    #[serde(default)]
    pub body: Option<String>,
    /// smtp: `none`, `starttls` or `tls`.
    #[serde(default)]
    pub tls: Option<String>,
    /// smtp: user name; the password is `auth.secret`.
    #[serde(default)]
    pub user: Option<String>,
}

words! {
    /// What a stub stands for.
    StandsFor {
        /// The system that people use.
        Live = "live",
    }
}

impl ActionSpec {
    /// Does a confirmed write there show that results reach a system that people use? A draft does not,
    /// and neither does a stand-in: on this machine, or declared as one. On a test instance only a stub
    /// that is declared to stand for the live system does.
    #[must_use]
    pub fn is_live(&self, test_instance: bool) -> bool {
        let declared = self.stands_for == Some(StandsFor::Live);
        let live = if test_instance {
            declared
        } else {
            !declared && !self.is_here()
        };
        live && self.class > ActionClass::Draft
    }

    /// Its address is this machine.
    fn is_here(&self) -> bool {
        let place = self.url.as_deref().or(self.server.as_deref());
        place.is_some_and(|place| {
            let host = place.split_once("://").map_or(place, |(_, rest)| rest);
            ["127.", "localhost", "[::1]", "0.0.0.0"]
                .iter()
                .any(|local| host.starts_with(local))
        })
    }

    /// Does it write to a record that other runs may write to as well? Then runs take turns at it. A
    /// record that is only ever added, a line of a file or a mail needs no order.
    #[must_use]
    pub fn writes_to_a_record(&self) -> bool {
        match self.kind {
            DestinationKind::Http => {
                matches!(self.method, Some(HttpMethod::Put | HttpMethod::Patch))
                    || self.url.as_deref().is_some_and(|u| u.contains("{{"))
            }
            DestinationKind::Sql => self.write.as_deref() != Some("insert"),
            DestinationKind::File | DestinationKind::Smtp => false,
        }
    }

    /// The record as all nodes name it: system and target.
    #[must_use]
    pub fn place(&self, target: &str) -> String {
        format!("{}/{target}", self.system)
    }
}

/// The destination adapters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationKind {
    /// REST over HTTP.
    Http,
    /// A table.
    Sql,
    /// A CSV or JSON Lines file.
    File,
    /// Mail.
    Smtp,
}

impl DestinationKind {
    /// The word used in definitions and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sql => "sql",
            Self::File => "file",
            Self::Smtp => "smtp",
        }
    }
}

/// Methods a write may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Create, or act.
    Post,
    /// Create or replace.
    Put,
    /// Change fields.
    Patch,
}

/// A header that carries a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// Header name.
    pub header: String,
    /// Text before the secret, such as `Bearer `.
    #[serde(default)]
    pub prefix: String,
    /// Reference: `env:NAME`, `file:PATH`.
    pub secret: String,
    /// The first day on which it does not work any more, `YYYY-MM-DD` in the workflow's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}
