//! The bytes of a mail as the domain knows it. Whoever sends a mail chooses every byte of it, so nothing
//! here fails: what cannot be read is said to be unreadable.

use mail_parser::{Address, Message, MessageParser, MimeHeaders as _, PartType};
use sha2::{Digest as _, Sha256};
use tuesday_domain::mailbox::Mail;

/// Most bytes of text that are kept of a mail.
const MOST_TEXT: usize = 64 * 1024;
/// Text parts of one mail that are read.
const MOST_PARTS: usize = 8;
/// Ids of earlier mails that are kept.
const MOST_ANSWERED: usize = 20;

pub(super) fn parse(bytes: &[u8], size_bytes: u64, handle: String) -> Mail {
    let cut = size_bytes > bytes.len() as u64;
    let Some(message) = MessageParser::default().parse(bytes).filter(is_mail) else {
        return Mail {
            handle,
            key: key(&[bytes]),
            size_bytes,
            cut,
            ..Mail::default()
        };
    };
    let from = first(message.from());
    let subject = message.subject().unwrap_or_default().to_owned();
    let text = text(&message);
    let id = message.message_id().unwrap_or_default();
    let date = message.header_raw("Date").unwrap_or_default();
    let sender = from.as_deref().unwrap_or_default();
    let parts = [id, date.trim(), sender, &subject, &text].map(str::as_bytes);
    Mail {
        handle,
        key: key(&parts),
        size_bytes,
        cut,
        readable: true,
        automatic: automatic(&message),
        to: recipients(&message),
        answers: answered(&message),
        attachments: attachments(&message),
        from,
        subject,
        text,
    }
}

/// Any bytes can be taken for headers; a mail has at least one of those that every program writes.
fn is_mail(message: &Message<'_>) -> bool {
    message.from().is_some()
        || message.subject().is_some()
        || message.date().is_some()
        || message.message_id().is_some()
}

/// Each part with its length, so that no two mails of different parts have one key.
fn key(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn first(address: Option<&Address<'_>>) -> Option<String> {
    address?.first()?.address().map(str::to_owned)
}

/// The text of a mail; HTML where there is nothing else, as text. A mail that was forwarded as a file is
/// read too: what the customer wrote is in it.
fn text(message: &Message<'_>) -> String {
    let mut out = String::new();
    add_texts(message, &mut out);
    for part in message.attachments().take(MOST_PARTS) {
        if let PartType::Message(inner) = &part.body {
            let subject = inner.subject().unwrap_or_default();
            out.push_str("\n\nForwarded: ");
            out.push_str(subject);
            out.push('\n');
            add_texts(inner, &mut out);
        }
    }
    let mut end = MOST_TEXT.min(out.len());
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out
}

fn add_texts(message: &Message<'_>, out: &mut String) {
    for n in 0..message.text_body_count().min(MOST_PARTS) {
        if let Some(text) = message.body_text(n).filter(|t| !t.trim().is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&text);
        }
    }
}

/// A machine sent it (RFC 3834), or it is a report about a mail of ours that did not arrive.
fn automatic(message: &Message<'_>) -> bool {
    let raw = |name: &'static str| {
        let value = message.header_raw(name).unwrap_or_default();
        value.trim().to_ascii_lowercase()
    };
    let submitted = raw("Auto-Submitted");
    let bounced = message
        .content_type()
        .is_some_and(|c| c.ctype() == "multipart" && c.subtype() == Some("report"));
    (!submitted.is_empty() && !submitted.starts_with("no"))
        || ["bulk", "junk", "auto_reply"].contains(&raw("Precedence").as_str())
        || raw("Return-Path") == "<>"
        || !raw("X-Autoreply").is_empty()
        || !raw("X-Autorespond").is_empty()
        || !raw("X-Tuesday-Run").is_empty()
        || bounced
}

/// Where it was sent to, by what the sender wrote and by what the servers on its way noted.
fn recipients(message: &Message<'_>) -> Vec<String> {
    let named = [message.to(), message.cc()].into_iter().flatten();
    let mut all: Vec<String> = named
        .flat_map(Address::iter)
        .filter_map(|a| a.address().map(str::to_owned))
        .take(100)
        .collect();
    for name in ["Delivered-To", "X-Original-To", "Envelope-To"] {
        if let Some(value) = message.header_raw(name) {
            all.push(value.trim().trim_matches(['<', '>']).to_owned());
        }
    }
    all
}

/// Ids of the mails it answers, the direct one first, as they were sent.
fn answered(message: &Message<'_>) -> Vec<String> {
    let direct = message.in_reply_to().as_text_list().unwrap_or_default();
    let older = message.references().as_text_list().unwrap_or_default();
    let all = direct.iter().chain(older.iter().rev());
    let mut ids: Vec<String> = Vec::new();
    for id in all.take(MOST_ANSWERED) {
        let id = format!("<{}>", id.trim_matches(['<', '>']));
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn attachments(message: &Message<'_>) -> Vec<String> {
    let files = message.attachments().filter(|p| p.message().is_none());
    let name = |p: &mail_parser::MessagePart<'_>| {
        let known = p.attachment_name().filter(|n| !n.trim().is_empty());
        known.unwrap_or("a file without a name").to_owned()
    };
    files.map(name).take(MOST_ANSWERED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Mail {
        let bytes = raw.replace('\n', "\r\n").into_bytes();
        let size = bytes.len() as u64;
        parse(&bytes, size, "1.1".into())
    }

    #[test]
    fn html_becomes_text_without_what_it_would_run_or_load() {
        let mail = read(
            "From: Kim <kim@example.com>\nTo: reports+deals@example.com\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\
             MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n\
             <html><head><title>t</title><style>p{color:red}</style></head><body><p>Wrong &amp; late</p>\
             <script>steal()</script><img src=\"https://evil.example/x.png\"><p>T-30263</p></body></html>\n",
        );
        assert!(mail.readable && !mail.automatic && !mail.cut);
        assert_eq!(mail.subject, "Grüße");
        assert_eq!(mail.from.as_deref(), Some("kim@example.com"));
        assert_eq!(mail.to, ["reports+deals@example.com"]);
        assert!(mail.text.contains("Wrong & late"), "{}", mail.text);
        assert!(mail.text.contains("T-30263"), "{}", mail.text);
        for no in ["steal", "color", "evil", "<p>"] {
            assert!(!mail.text.contains(no), "{no}: {}", mail.text);
        }
    }

    #[test]
    fn machines_are_known_by_what_they_say() {
        let from = "From: a@example.com\nSubject: s\n";
        for machine in [
            "Auto-Submitted: auto-replied",
            "Precedence: bulk",
            "Return-Path: <>",
            "Content-Type: multipart/report; boundary=b; report-type=delivery-status",
        ] {
            assert!(
                read(&format!("{from}{machine}\n\nhi\n")).automatic,
                "{machine}"
            );
        }
        for person in ["Auto-Submitted: no", "Precedence: list", "X-Mailer: Auto"] {
            assert!(
                !read(&format!("{from}{person}\n\nhi\n")).automatic,
                "{person}"
            );
        }
    }

    #[test]
    fn one_mail_has_one_key_whatever_way_it_came() {
        let mail = |way: &str, text: &str| {
            read(&format!(
                "{way}Message-ID: <m1@example.com>\nFrom: a@example.com\nSubject: s\n\n{text}\n"
            ))
        };
        let once = mail("Received: from x\n", "wrong");
        assert_eq!(once.key, mail("Received: from y\n", "wrong").key);
        // An id that somebody else has taken must not swallow another mail.
        assert_ne!(once.key, mail("", "also wrong").key);
    }

    #[test]
    fn answers_and_files_are_named_and_a_forwarded_mail_is_read() {
        let mail = read(
            "From: a@example.com\nSubject: Fwd\nIn-Reply-To: <tsd-1@example.com>\n\
             References: <old@example.com> <tsd-1@example.com>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee below.\n\
             --b\nContent-Type: image/png; name=shot.png\nContent-Disposition: attachment; filename=shot.png\n\nx\n\
             --b\nContent-Type: message/rfc822\n\nFrom: c@example.com\nSubject: Complaint\n\nThe price is wrong.\n--b--\n",
        );
        assert_eq!(mail.answers, ["<tsd-1@example.com>", "<old@example.com>"]);
        assert_eq!(mail.attachments, ["shot.png"]);
        assert!(mail.text.contains("See below."), "{}", mail.text);
        assert!(mail.text.contains("Forwarded: Complaint"), "{}", mail.text);
        assert!(mail.text.contains("The price is wrong."), "{}", mail.text);
    }

    #[test]
    fn what_is_no_mail_is_unreadable_and_keeps_a_key_of_its_own() {
        let one = parse(b"", 0, "1.1".into());
        let two = parse(b"\x00\xff\xfe", 3, "1.2".into());
        assert!(!one.readable && !two.readable, "{one:?} {two:?}");
        assert_ne!(one.key, two.key);
    }

    #[test]
    fn of_a_large_mail_the_beginning_is_read() {
        let raw = b"From: a@example.com\r\nSubject: s\r\n\r\nfirst words";
        let mail = parse(raw, 50_000_000, "1.1".into());
        assert!(mail.cut && mail.readable);
        assert_eq!(mail.text.trim(), "first words");
    }
}
