//! A mail to the address for reports becomes a report, once however often it is read. What it names
//! ties it to its run; what it says decides nothing.
//!
//! The mailbox is not ours: a mail stays there until the row that says what became of it is committed,
//! and the row's key is the mail's. A process that dies in between reads the mail again and finds it
//! known. Only then is it moved (`maintenance/mailbox.rs`).

use std::collections::BTreeSet;
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::mailbox::{Mail, holds_word, named, record_names, workflow_of};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DeskChange, MailOutcome, ProblemKind, ProblemTie, ReportMail,
    Run, Subject,
};
use tuesday_store::{ApplyError, RunFilter};

use super::problem::{Complaint, MOST};
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// Reports that one sender may make by mail within [`WITHIN`]; a loop without the header that says so
/// ends here.
const MOST_OF_ONE: u64 = 20;
const WITHIN: Duration = Duration::from_secs(3_600);
/// Words of a subject line that are looked for among the subjects of cases.
const MOST_WORDS: usize = 5;

const fn actor() -> Actor {
    Actor::System("mailbox")
}

impl Engine {
    /// The address that people may write to, where a mailbox is set up.
    #[must_use]
    pub fn report_address(&self) -> Option<&str> {
        self.0.ports.mailbox.as_ref().and_then(|m| m.address())
    }

    /// The folder that mails are put aside to, where a mailbox is set up.
    #[must_use]
    pub fn mails_aside_folder(&self) -> Option<&str> {
        let mailbox = self.0.ports.mailbox.as_ref();
        mailbox.map(|m| m.folder(MailOutcome::Automatic))
    }

    /// What became of the mail, which is durable when this answers. `folder` names where mails of an
    /// outcome are moved to.
    ///
    /// # Errors
    /// When it cannot be stored, or nobody answers for it: it stays in the mailbox.
    pub(crate) async fn take_mail(
        &self,
        mail: &Mail,
        address: Option<&str>,
        folder: impl Fn(MailOutcome) -> String + Send,
    ) -> Result<MailOutcome, Problem> {
        if let Some(known) = self.known_mail(&mail.key).await? {
            return Ok(known);
        }
        let mut outcome = mail.outcome();
        if outcome.is_report() && self.sent_too_many(mail).await? {
            outcome = MailOutcome::TooMany;
        }
        let stored = if outcome.is_report() {
            let mut words = mail.words(&folder(outcome));
            // Long names in letters of several bytes: a mail never stays because of its size.
            words.truncate(words.floor_char_boundary(MOST));
            self.mail_as_report(mail, outcome, words, address).await?
        } else {
            self.mail_aside(mail, outcome).await?
        };
        match stored {
            Ok(()) => Ok(outcome),
            // Another node was faster: what it stored counts.
            Err(ApplyError::Conflict { .. }) => {
                let known = self.known_mail(&mail.key).await?;
                known
                    .ok_or_else(|| Problem::new("unavailable", "the mail is taken by another node"))
            }
            Err(e) => Err(apply_problem(e)),
        }
    }

    async fn known_mail(&self, key: &str) -> Result<Option<MailOutcome>, Problem> {
        let known = self.0.reader.report_mail(key).await.map_err(read_problem)?;
        Ok(known.map(|m| m.outcome))
    }

    async fn sent_too_many(&self, mail: &Mail) -> Result<bool, Problem> {
        let since = self.now().minus(WITHIN);
        let sent = self.0.reader.reports_by(&mail.sender(), since).await;
        Ok(sent.map_err(read_problem)? >= MOST_OF_ONE)
    }

    async fn mail_as_report(
        &self,
        mail: &Mail,
        outcome: MailOutcome,
        words: String,
        address: Option<&str>,
    ) -> Result<Result<(), ApplyError>, Problem> {
        let (run, tied_by) = self.meant(mail).await?;
        let workflow = match address.and_then(|a| workflow_of(&mail.to, a)) {
            Some(name) if self.known_workflow(&name).await.is_ok() => Some(name),
            _ => None,
        };
        let complaint = Complaint {
            kind: ProblemKind::Other,
            words,
            run: None,
            review: None,
            record: None,
            workflow,
            reported_by: mail.sender(),
        };
        let (report, mut decision) = self.reported(complaint, run, tied_by, &actor()).await?;
        let row = row(mail, outcome, Some(report.id), report.created_at);
        decision.entry = decision
            .entry
            .fact("mail", row.key.clone())
            .fact("mail_outcome", outcome.word());
        decision.changes.push(change(row));
        let stored = self.apply_at("mail.before_commit", "mail.after_commit", decision);
        Ok(stored.await.map(drop))
    }

    /// No report: a row says that it came, and it is moved aside. The first of a loop is told about.
    async fn mail_aside(
        &self,
        mail: &Mail,
        outcome: MailOutcome,
    ) -> Result<Result<(), ApplyError>, Problem> {
        let now = self.now();
        let row = row(mail, outcome, None, now);
        let entry = AuditEntry::new(now, actor(), "mail.set_aside", Subject::Instance)
            .fact("mail", row.key.clone())
            .fact("mail_outcome", outcome.word());
        let mut changes = vec![change(row)];
        if outcome == MailOutcome::TooMany {
            let since = now.minus(WITHIN);
            let told = self.0.reader.mails_since(outcome, since).await;
            if told.map_err(read_problem)? == 0 {
                let owner = self.answers_for(None).await?;
                let title = "Mails of one sender are put aside: more than 20 within an hour";
                let path = "/problem-reports".to_owned();
                let told = notice(
                    owner,
                    String::new(),
                    "mail_set_aside",
                    title.to_owned(),
                    path,
                    now,
                );
                changes.push(Change::InsertNotice(Box::new(told)));
            }
        }
        let decision = Decision { changes, entry };
        let stored = self.apply_at(
            "mail.before_aside_commit",
            "mail.after_aside_commit",
            decision,
        );
        Ok(stored.await.map(drop))
    }

    /// The case a mail means: by the ids in it, by the mail it answers, by a record it names, by words of
    /// a case. Two cases that fit are none: a person ties the report.
    async fn meant(&self, mail: &Mail) -> Result<(Option<Run>, ProblemTie), Problem> {
        let reader = &self.0.reader;
        let ids = named(&format!("{}\n{}", mail.subject, mail.text));
        let mut runs = BTreeSet::new();
        for id in ids.runs.iter().take(MOST_WORDS) {
            runs.extend(reader.run(*id).await.map_err(read_problem)?.map(|r| r.id));
        }
        for id in ids.reviews.iter().take(MOST_WORDS) {
            let task = reader.review(*id).await.map_err(read_problem)?;
            runs.extend(task.map(|t| t.run));
        }
        if !runs.is_empty() {
            return self.the_one(runs, ProblemTie::Run).await;
        }
        for answered in &mail.answers {
            let run = reader.run_written_to(answered).await;
            runs.extend(run.map_err(read_problem)?);
        }
        let names = record_names(&mail.subject, &mail.text);
        if runs.is_empty() {
            for name in &names {
                let run = reader.run_written_to(name).await;
                runs.extend(run.map_err(read_problem)?);
            }
        }
        if !runs.is_empty() {
            return self.the_one(runs, ProblemTie::Record).await;
        }
        for name in names.iter().take(MOST_WORDS) {
            let filter = RunFilter {
                text: Some(name.clone()),
                ..RunFilter::default()
            };
            let found = reader.run_page(&filter, None, 2).await;
            let found = found.map_err(read_problem)?;
            if let [one] = found.as_slice()
                && (one.event_id == *name || holds_word(&one.subject, name))
            {
                runs.insert(one.id);
            }
        }
        self.the_one(runs, ProblemTie::Words).await
    }

    async fn the_one(
        &self,
        runs: BTreeSet<RunId>,
        tie: ProblemTie,
    ) -> Result<(Option<Run>, ProblemTie), Problem> {
        let mut runs = runs.into_iter();
        let (Some(one), None) = (runs.next(), runs.next()) else {
            return Ok((None, ProblemTie::Nothing));
        };
        let run = self.0.reader.run(one).await.map_err(read_problem)?;
        let tie = if run.is_some() {
            tie
        } else {
            ProblemTie::Nothing
        };
        Ok((run, tie))
    }
}

fn row(
    mail: &Mail,
    outcome: MailOutcome,
    report: Option<tuesday_domain::id::ProblemReportId>,
    at: tuesday_domain::time::Timestamp,
) -> ReportMail {
    ReportMail {
        key: mail.key.clone(),
        outcome,
        report,
        size_bytes: mail.size_bytes,
        at,
    }
}

fn change(row: ReportMail) -> Change {
    Change::Desk(Box::new(DeskChange::InsertMail(row)))
}
