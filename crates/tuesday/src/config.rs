//! Configuration by flag, `TUESDAY_*` variable or `tuesday.toml`, in that order.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tuesday_connectors::mailbox::MailboxSettings;
use tuesday_connectors::notifiers::Channel;
use tuesday_domain::problem::Problem;
use tuesday_web::OidcSettings;

use crate::cli::Common;

/// `tuesday.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// As `--dir`.
    pub(crate) dir: Option<PathBuf>,
    /// As `--database`.
    pub(crate) database: Option<String>,
    /// As `serve --listen`.
    pub(crate) listen: Option<String>,
    /// As `serve --node`.
    pub(crate) node: Option<String>,
    /// Address people reach the console under, for links in notices.
    pub(crate) public_url: Option<String>,
    /// Most events one token may send in a second on a node; no limit when absent.
    pub(crate) events_per_second: Option<std::num::NonZeroU32>,
    /// Channels notices are sent through, tried in order.
    pub(crate) notify: Vec<Channel>,
    /// Ways for people outside to report a wrong output.
    pub(crate) reports: Reports,
    /// Where signs of life are sent, for somebody outside who notices when they stay away.
    pub(crate) heartbeat: Option<HeartbeatTo>,
    /// A time without a node that is longer than this opens an incident; 5 minutes when absent.
    pub(crate) downtime_after: Option<tuesday_domain::time::Span>,
    /// Less of the volume of the data free than this, percent, opens an incident; 10 when absent.
    pub(crate) least_free_percent: Option<u8>,
    /// Host names inside the own network that may be reached over plain HTTP.
    pub(crate) internal_hosts: Vec<String>,
    /// How people sign in, beyond what is always there.
    pub(crate) sign_in: SignIn,
    /// How long payloads are kept where packages do not say, and the bounds of what they say.
    pub(crate) retention: tuesday_domain::privacy::RetentionLimits,
    /// Where checkpoints are published; another volume is best.
    pub(crate) checkpoints: Option<PathBuf>,
}

/// `[reports]` of `tuesday.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reports {
    /// A mailbox; every mail in it becomes a report.
    pub(crate) mail: Option<MailboxSettings>,
}

/// `[heartbeat]` of `tuesday.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeartbeatTo {
    /// An address, or a secret reference to one.
    pub(crate) url: String,
    /// How often; a minute when absent.
    #[serde(default)]
    pub(crate) every: Option<tuesday_domain::time::Span>,
}

/// `[sign_in]` of `tuesday.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignIn {
    /// Proxies in front of this node whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<std::net::IpAddr>,
    /// The company's identity provider.
    pub(crate) oidc: Option<OidcSettings>,
}

/// Where the data lives, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    /// Folder of keys and files, and of the embedded database.
    pub(crate) dir: PathBuf,
    /// The database elsewhere.
    pub(crate) database: Option<String>,
    /// The rest of the file.
    pub(crate) file: File,
}

impl Home {
    /// Resolves flags, variables and file.
    pub(crate) fn find(common: &Common) -> Result<Self, Problem> {
        let file = read(common.config.as_deref())?;
        let database = common.database.clone().or_else(|| file.database.clone());
        let dir = common
            .dir
            .clone()
            .or_else(|| file.dir.clone())
            .unwrap_or_else(|| PathBuf::from("tuesday-data"));
        Ok(Self {
            dir,
            database,
            file,
        })
    }

    /// The embedded database's file.
    pub(crate) fn sqlite(&self) -> PathBuf {
        self.dir.join("tuesday.db")
    }
}

fn read(path: Option<&Path>) -> Result<File, Problem> {
    let (path, named) = path.map_or((Path::new("tuesday.toml"), false), |p| (p, true));
    match std::fs::read_to_string(path) {
        Ok(text) => parsed(path, &text),
        Err(e) if named => {
            Err(Problem::new("not_found", format!("{}: {e}", path.display())).field("config"))
        }
        Err(_) => Ok(File::default()),
    }
}

fn parsed(path: &Path, text: &str) -> Result<File, Problem> {
    let file: File = toml::from_str(text).map_err(|e| {
        let start = e.span().map_or(0, |s| s.start.min(text.len()));
        let line = text[..start].matches('\n').count();
        let place = format!("{} line {}: {}", path.display(), line + 1, e.message());
        let problem = Problem::new("bad_request", place);
        let key = text.lines().nth(line).and_then(|l| l.split_once('='));
        match key {
            Some((key, _)) => problem.field(key.trim()),
            None => problem,
        }
    })?;
    match file.retention.fault() {
        None => Ok(file),
        Some((key, why)) => {
            let field = format!("retention.{key}");
            let words = format!("{}: {field} is {why}", path.display());
            Err(Problem::new("bad_request", words).field(field))
        }
    }
}
