//! Notices by mail.

use tuesday_domain::port::Message;

use super::{TIMEOUT, id, text};
use crate::destinations::smtp::{Mail, MailFault, Server, build, deliver};

pub(super) async fn send(
    server: &str,
    tls: Option<&str>,
    user: Option<String>,
    password: Option<Vec<u8>>,
    from: &str,
    message: &Message,
) -> Result<(), String> {
    let server = Server::new(server, tls, user, password)?;
    let mail = Mail {
        from: from.to_owned(),
        to: message.email.clone(),
        subject: message.title.clone(),
        body: format!("Hello {},\r\n\r\n{}\r\n", message.name, text(message)),
        key: format!("notice-{}", id(message)),
        run: None,
    };
    let built = build(&mail).map_err(|e| format!("{e:?}"))?;
    match deliver(&server, &built.from, &built.to, &built.bytes, TIMEOUT).await {
        Ok(_) => Ok(()),
        // A notice that comes twice does no harm; one that never comes does. So unclear counts as
        // failed here, and the next channel is tried.
        Err(fault @ (MailFault::ForNow(..) | MailFault::ForGood(..) | MailFault::Unclear(_))) => {
            Err(fault.to_string())
        }
    }
}
