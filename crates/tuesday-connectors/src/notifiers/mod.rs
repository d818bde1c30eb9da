//! Notices to people: mail, a chat webhook, a file or the console, tried in this order of the
//! configuration. A notice holds a title and a link, never content.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::{Call, Message, Notifier, Secrets};

use crate::net::Http;

mod alertmanager;
mod file;
mod heartbeat;
mod mail;
mod pagerduty;
mod webhook;

pub use heartbeat::Heartbeat;

/// Longest one channel may take; the next one is tried after that.
const TIMEOUT: Duration = Duration::from_secs(15);

/// One way to reach people.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Mail over SMTP to the person's own address.
    Mail {
        /// `host:port`.
        server: String,
        /// Sender address.
        from: String,
        /// `none`, `starttls` (when absent) or `tls`.
        #[serde(default)]
        tls: Option<String>,
        /// User name for the login.
        #[serde(default)]
        user: Option<String>,
        /// Reference to the password.
        #[serde(default)]
        password: Option<String>,
    },
    /// POST of `{"text": …}`.
    Webhook {
        /// Address, or a secret reference to it: many chat addresses are secrets themselves.
        url: String,
        /// Reference to a Standard Webhooks secret; the call is signed when set.
        #[serde(default)]
        secret: Option<String>,
        /// A header with a credential.
        #[serde(default)]
        auth: Option<SecretHeader>,
    },
    /// An event for PagerDuty, or for whatever speaks its Events API v2; alerts only.
    Pagerduty {
        /// Reference to the routing key.
        routing_key: String,
        /// Address; PagerDuty's own when absent.
        #[serde(default)]
        url: Option<String>,
    },
    /// An alert for a Prometheus Alertmanager, API v2; alerts only.
    Alertmanager {
        /// Its base address.
        url: String,
        /// A header with a credential.
        #[serde(default)]
        auth: Option<SecretHeader>,
    },
    /// One JSON line per notice.
    File {
        /// Relative to the installation's data folder.
        path: String,
    },
    /// Standard error.
    Console,
}

impl Channel {
    const fn word(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Webhook { .. } => "webhook",
            Self::Pagerduty { .. } => "pagerduty",
            Self::Alertmanager { .. } => "alertmanager",
            Self::File { .. } => "file",
            Self::Console => "console",
        }
    }

    /// It takes nothing but alerts; a notice passes it by.
    const fn is_for_alerts(&self) -> bool {
        matches!(self, Self::Pagerduty { .. } | Self::Alertmanager { .. })
    }
}

/// Tries the channels in order.
pub struct Notifiers {
    channels: Vec<Channel>,
    http: Http,
    secrets: Arc<dyn Secrets>,
    base: PathBuf,
}

impl Notifiers {
    /// `channels` in the order they are tried; `base` is the installation's data folder.
    #[must_use]
    pub fn new(
        channels: Vec<Channel>,
        http: Http,
        secrets: Arc<dyn Secrets>,
        base: impl Into<PathBuf>,
    ) -> Self {
        Self {
            channels,
            http,
            secrets,
            base: base.into(),
        }
    }

    async fn through(&self, channel: &Channel, message: &Message) -> Result<(), String> {
        match channel {
            Channel::Mail {
                server,
                from,
                tls,
                user,
                password,
            } => {
                let password = password
                    .as_deref()
                    .map(|p| self.secrets.resolve(p))
                    .transpose()?;
                mail::send(
                    server,
                    tls.as_deref(),
                    user.clone(),
                    password,
                    from,
                    message,
                )
                .await
            }
            Channel::Webhook { url, secret, auth } => {
                webhook::send(
                    &self.http,
                    &*self.secrets,
                    url,
                    secret.as_deref(),
                    auth.as_ref(),
                    message,
                )
                .await
            }
            Channel::Pagerduty { routing_key, url } => {
                let facts = message.alert.as_ref().ok_or("it takes alerts only")?;
                let url = url.as_deref();
                pagerduty::send(&self.http, &*self.secrets, url, routing_key, message, facts).await
            }
            Channel::Alertmanager { url, auth } => {
                let facts = message.alert.as_ref().ok_or("it takes alerts only")?;
                let auth = auth.as_ref();
                alertmanager::send(&self.http, &*self.secrets, url, auth, message, facts).await
            }
            Channel::File { path } => file::append(self.base.join(path), message).await,
            Channel::Console => file::print(message),
        }
    }
}

impl Notifier for Notifiers {
    fn notify<'a>(&'a self, message: &'a Message) -> Call<'a, Result<String, String>> {
        Box::pin(async move {
            let mut failed = Vec::new();
            let fits = |c: &&Channel| message.alert.is_some() || !c.is_for_alerts();
            for channel in self.channels.iter().filter(fits) {
                match self.through(channel, message).await {
                    Ok(()) if failed.is_empty() => return Ok(channel.word().to_owned()),
                    Ok(()) => return Ok(format!("{} ({})", channel.word(), failed.join("; "))),
                    Err(why) => failed.push(format!("{} failed: {why}", channel.word())),
                }
            }
            Err(if failed.is_empty() {
                "no channel is set up".to_owned()
            } else {
                failed.join("; ")
            })
        })
    }
}

/// The notice as one text.
fn text(message: &Message) -> String {
    let due = message
        .due_at
        .map(|at| format!(" (due {at})"))
        .unwrap_or_default();
    let runbook = message
        .alert
        .as_ref()
        .map(|a| format!("\nRunbook: {}", a.runbook))
        .unwrap_or_default();
    format!("{}{due}\n{}{runbook}", message.title, message.link)
}

/// The same for the same notice, so that a receiver can drop a repeated one.
fn id(message: &Message) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in [&message.email, &message.title, &message.link] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(message.due_at.map_or(0, |at| at.micros()).to_be_bytes());
    hex::encode(&hash.finalize()[..16])
}
