//! Mail as a destination, class F: once the message is handed over, only a clear answer says
//! whether it was taken, and nobody can look later.
//!
//! `conversation` speaks to the server and knows how far it came; `message` builds the bytes under
//! one stable `Message-ID`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::port::{Delivery, Intent, Secrets, SendFault};

use super::{for_good, receipt};

mod conversation;
mod lines;
mod message;

pub(crate) use conversation::{MailFault, Server, Tls, deliver};
pub(crate) use message::{Mail, build};

pub(crate) struct SmtpDestination {
    secrets: Arc<dyn Secrets>,
}

impl SmtpDestination {
    pub(crate) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self { secrets }
    }

    pub(crate) async fn send(&self, intent: &Intent) -> Result<Delivery, SendFault> {
        let server = self.server(intent).map_err(|e| for_good("bad_config", e))?;
        let mail = build(&mail_of(intent).map_err(|e| for_good("bad_config", e))?).map_err(
            |e| match e {
                message::BuildFault::Recipient(detail) => SendFault::NoUniqueTarget { detail },
                message::BuildFault::Other(detail) => for_good("bad_message", detail),
            },
        )?;
        let timeout = Duration::from_millis(intent.timeout_ms);
        match deliver(&server, &mail.from, &mail.to, &mail.bytes, timeout).await {
            Ok(answer) => Ok(Delivery {
                external_id: Some(mail.message_id.clone()),
                // The exact bytes that were handed over; the encoding of the message is plain ASCII.
                after: Some(json!({ "message": String::from_utf8_lossy(&mail.bytes) })),
                answer: answer.clone(),
                ..receipt(answer.chars().take(120).collect::<String>())
            }),
            Err(fault) => Err(fault.into_send_fault()),
        }
    }

    fn server(&self, intent: &Intent) -> Result<Server, String> {
        let spec = &intent.spec;
        let address = spec.server.as_deref().ok_or("`server` is missing")?;
        let password = match &spec.auth {
            Some(auth) => Some(self.secrets.resolve(&auth.secret)?),
            None => None,
        };
        Server::new(address, spec.tls.as_deref(), spec.user.clone(), password)
    }
}

fn mail_of(intent: &Intent) -> Result<Mail, String> {
    let spec = &intent.spec;
    let body_field = spec.body.as_deref().unwrap_or("body");
    let text = |name: &str| intent.fields.get(name).and_then(Value::as_str);
    let subject = intent
        .rendered
        .get("subject")
        .and_then(Value::as_str)
        .or_else(|| text("subject"));
    // A field that was approved but cannot be carried must not be dropped in silence.
    if let Some(other) = intent
        .fields
        .keys()
        .find(|k| *k != body_field && *k != "subject")
    {
        return Err(format!(
            "mail carries `{body_field}` and a subject; `{other}` has no place in it"
        ));
    }
    Ok(Mail {
        from: spec.from.clone().ok_or("`from` is missing")?,
        to: intent.target.clone(),
        subject: subject.ok_or("`subject` is missing")?.to_owned(),
        body: text(body_field)
            .ok_or_else(|| format!("the field `{body_field}` is not a text"))?
            .to_owned(),
        key: intent.key.clone(),
        run: Some(intent.run.to_string()),
    })
}
