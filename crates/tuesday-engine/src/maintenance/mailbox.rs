//! Reads the mailbox for reports. A mail is moved only after what became of it is durable, so a crash in
//! between reads it again and stores nothing twice. One node reads at a time; two that do it at once are
//! kept apart by the mail's key.

use tuesday_domain::actor::Actor;
use tuesday_domain::mailbox::{MailboxFault, PutAway};
use tuesday_domain::trouble::{Category, Trouble};

use crate::engine::Engine;

/// Mails read in one conversation.
const BATCH: usize = 20;
/// Failed looks in a row that make an outage: one broken connection is none.
const IN_A_ROW: u32 = 3;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let Some(mailbox) = engine.0.ports.mailbox.clone() else {
        return Ok(());
    };
    let place = format!("mailbox {}", mailbox.place());
    let _turn = engine
        .0
        .store
        .turn(&place)
        .await
        .map_err(|e| e.to_string())?;
    loop {
        let mails = match mailbox.waiting(BATCH).await {
            Ok(mails) => mails,
            Err(fault) => return down(&engine, &place, fault).await,
        };
        let mut over = Vec::new();
        let mut failed = None;
        for mail in &mails {
            let folder = |outcome| mailbox.folder(outcome).to_owned();
            match Box::pin(engine.take_mail(mail, mailbox.address(), folder)).await {
                Ok(outcome) => over.push(PutAway {
                    handle: mail.handle.clone(),
                    outcome,
                }),
                // The others must not wait for one that cannot be stored.
                Err(problem) => failed = Some(problem.to_string()),
            }
        }
        if let Err(fault) = mailbox.put_away(&over).await {
            return down(&engine, &place, fault).await;
        }
        engine
            .0
            .dependencies
            .worked(Category::SourceOutage, &place, engine.now());
        if let Some(why) = failed {
            return Err(why);
        }
        if mails.len() < BATCH {
            return Ok(());
        }
    }
}

/// A refusal is told at once, everything else when it goes on.
async fn down(engine: &Engine, place: &str, fault: MailboxFault) -> Result<(), String> {
    let (category, subject) = if fault.refused {
        (Category::CredentialRefused, format!("source {place}"))
    } else {
        (Category::SourceOutage, place.to_owned())
    };
    let row = engine
        .0
        .dependencies
        .failed_alone(Category::SourceOutage, place);
    if fault.refused || row >= IN_A_ROW {
        let words = format!("the mailbox for reports: {}", fault.detail);
        let trouble = Trouble {
            category,
            subject,
            workflow: None,
            run: None,
            words,
            hard: true,
        };
        engine
            .raise_new(trouble, Actor::System("mailbox"))
            .await
            .map_err(|e| e.to_string())?;
    }
    Err(fault.detail)
}
