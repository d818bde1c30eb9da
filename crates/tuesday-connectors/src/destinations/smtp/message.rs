//! Builds the bytes of one mail. Values become header values and body text through typed builders,
//! so that no value can add a header or a recipient.

use lettre::address::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};

/// What goes into a mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Sender, with or without a name.
    pub(crate) from: String,
    /// Exactly one recipient.
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// The action's key: the same key gives the same `Message-ID`.
    pub(crate) key: String,
    pub(crate) run: Option<String>,
}

/// A mail ready to be handed over.
#[derive(Debug)]
pub(crate) struct Built {
    /// Envelope sender.
    pub(crate) from: String,
    /// Envelope recipient.
    pub(crate) to: String,
    pub(crate) message_id: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) enum BuildFault {
    /// Not exactly one usable address.
    Recipient(String),
    Other(String),
}

/// Builds the message.
pub(crate) fn build(mail: &Mail) -> Result<Built, BuildFault> {
    let from: Mailbox = mail
        .from
        .parse()
        .map_err(|_| BuildFault::Other("`from` is not a mail address".to_owned()))?;
    // Several recipients could be accepted one by one, which is neither sent nor refused.
    let to: Address =
        mail.to.trim().parse().map_err(|_| {
            BuildFault::Recipient("the recipient is not one mail address".to_owned())
        })?;
    if !from.email.to_string().is_ascii() || !to.to_string().is_ascii() {
        return Err(BuildFault::Recipient(
            "addresses beyond ASCII are not supported".to_owned(),
        ));
    }
    let message_id = format!("<{}@{}>", mail.key, from.email.domain());
    let subject: String = mail
        .subject
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let (envelope_from, envelope_to) = (from.email.to_string(), to.to_string());
    let mut message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(subject.trim())
        .message_id(Some(message_id.clone()))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body.clone())
        .map_err(|e| BuildFault::Other(e.to_string()))?;
    let headers = message.headers_mut();
    // RFC 3834: tells out-of-office programs not to answer.
    headers.insert_raw(HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    ));
    if let Some(run) = &mail.run {
        headers.insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("X-Tuesday-Run"),
            run.clone(),
        ));
    }
    Ok(Built {
        from: envelope_from,
        to: envelope_to,
        message_id,
        bytes: message.formatted(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail {
            from: "Desk <desk@example.com>".into(),
            to: to.into(),
            subject: subject.into(),
            body: "Grüße\n.\nend".into(),
            key: "tsd-1".into(),
            run: Some("run_1".into()),
        }
    }

    #[test]
    fn no_value_adds_a_header_or_a_recipient() {
        let built = build(&mail("a@example.com", "hello\r\nBcc: evil@example.com")).unwrap();
        let text = String::from_utf8(built.bytes).unwrap();
        assert!(!text.contains("\r\nBcc:"), "{text}");
        assert!(text.is_ascii());
        assert!(text.contains("Message-ID: <tsd-1@example.com>"), "{text}");
        for bad in [
            "",
            "a@example.com, b@example.com",
            "a@example.com\r\nRCPT TO:<b@example.com>",
            "nobody",
        ] {
            assert!(
                matches!(build(&mail(bad, "x")), Err(BuildFault::Recipient(_))),
                "{bad}"
            );
        }
    }
}
