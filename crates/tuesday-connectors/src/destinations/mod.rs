//! Systems that runs write to. Each adapter says honestly what it knows: applied, refused, or
//! nobody can tell.
//!
//! A write is sent once per call, under a key that is committed before; no adapter repeats a write
//! by itself. Code that needs to know whether an effect is there asks `look`, which causes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use tuesday_domain::definition::DestinationKind;
use tuesday_domain::port::{
    Call, Delivery, Destination, Intent, Look, ReadBack, Secrets, SendFault, Target,
};

use crate::net::Http;

mod file;
mod http;
pub(crate) mod smtp;
mod sql;

/// Longest answer kept in a receipt, in bytes.
const ANSWER_BYTES: usize = 16 * 1024;

/// Writes to every kind of destination.
pub struct Destinations {
    http: http::HttpDestination,
    sql: sql::SqlDestination,
    file: file::FileDestination,
    smtp: smtp::SmtpDestination,
}

impl Destinations {
    /// `base` is the installation's data folder: relative paths in definitions start there.
    #[must_use]
    pub fn new(http: Http, secrets: Arc<dyn Secrets>, base: impl Into<PathBuf>) -> Self {
        let base = base.into();
        Self {
            http: http::HttpDestination::new(http, Arc::clone(&secrets)),
            sql: sql::SqlDestination::new(Arc::clone(&secrets), base.clone()),
            file: file::FileDestination::new(base),
            smtp: smtp::SmtpDestination::new(secrets),
        }
    }
}

impl Destination for Destinations {
    fn send<'a>(&'a self, intent: &'a Intent) -> Call<'a, Result<Delivery, SendFault>> {
        Box::pin(async move {
            match intent.spec.kind {
                DestinationKind::Http => self.http.send(intent).await,
                DestinationKind::Sql => self.sql.send(intent).await,
                DestinationKind::File => self.file.send(intent).await,
                DestinationKind::Smtp => self.smtp.send(intent).await,
            }
        })
    }

    fn look<'a>(&'a self, intent: &'a Intent) -> Call<'a, Look> {
        Box::pin(async move {
            match intent.spec.kind {
                DestinationKind::Http => self.http.look(intent).await,
                DestinationKind::Sql => self.sql.look(intent).await,
                DestinationKind::File => self.file.look(intent).await,
                DestinationKind::Smtp => Look::Unknown(
                    "sent mail cannot be looked up; ask the recipient or the mail log".to_owned(),
                ),
            }
        })
    }

    fn read_back<'a>(&'a self, intent: &'a Intent, delivery: &'a Delivery) -> Call<'a, ReadBack> {
        Box::pin(async move {
            match intent.spec.kind {
                DestinationKind::Http => self.http.read_back(intent, delivery).await,
                DestinationKind::Sql => self.sql.read_back(intent).await,
                DestinationKind::File => self.file.read_back(intent).await,
                DestinationKind::Smtp => ReadBack::NotOffered,
            }
        })
    }

    fn target<'a>(&'a self, intent: &'a Intent) -> Call<'a, Result<Target, SendFault>> {
        Box::pin(async move {
            match intent.spec.kind {
                DestinationKind::Http => self.http.target(intent).await,
                DestinationKind::Sql => self.sql.target(intent).await,
                DestinationKind::File | DestinationKind::Smtp => Ok(Target::default()),
            }
        })
    }
}

fn for_good(code: &'static str, detail: impl Into<String>) -> SendFault {
    SendFault::RefusedForGood {
        code,
        detail: detail.into(),
    }
}

fn for_now(code: &'static str, detail: impl Into<String>) -> SendFault {
    SendFault::RefusedForNow {
        code,
        detail: detail.into(),
        retry_after: None,
    }
}

fn unclear(code: &'static str, detail: impl Into<String>) -> SendFault {
    SendFault::Unclear {
        code,
        detail: detail.into(),
    }
}

/// A receipt with nothing known but its status.
fn receipt(status: impl Into<String>) -> Delivery {
    Delivery {
        external_id: None,
        version_before: None,
        version_after: None,
        before: None,
        after: None,
        status: status.into(),
        answer: String::new(),
        repeated: false,
    }
}
