//! Mails to the address for reports, on a node that really serves: tied to the case they name, kept and
//! owned when they name none, never twice, never lost, and a mailbox that is down is somebody's incident.

use tokio::net::TcpListener;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Incident, MailOutcome, ProblemReport, ProblemTie};
use tuesday_domain::trouble::Category;
use tuesday_store::ProblemFilter;
use tuesday_stub::Script;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, Node, until};

use crate::bed::{Bed, Case, each};
use crate::crash_again::died;

const SECRET: &str = "canary-of-the-mailbox-9c21";

/// A bed whose instance reads a mailbox of its stub world.
async fn bed(database: Option<Database>) -> Bed {
    let mut bed = Bed::new(database).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let world = bed.world.clone();
    tokio::spawn(tuesday_stub::imap::serve(
        listener,
        world,
        std::future::pending(),
    ));
    bed.home
        .env
        .push(("TUESDAY_FAULTS_MAILBOX".into(), SECRET.into()));
    bed.home.settings(&format!(
        "[reports.mail]\nserver = \"{at}\"\ntls = \"none\"\nuser = \"reports@example.com\"\n\
         password = \"env:TUESDAY_FAULTS_MAILBOX\"\nevery = \"1s\"\n"
    ));
    bed
}

/// A mail of this id; further header lines end in a line break.
fn mail(id: &str, headers: &str, subject: &str, text: &str) -> String {
    format!(
        "From: Kim <Kim@customer.example>\r\nTo: reports@example.com\r\nMessage-ID: <{id}@customer.example>\r\n\
         {headers}Subject: {subject}\r\n\r\n{text}\r\n"
    )
}

async fn reports(bed: &Bed) -> Vec<ProblemReport> {
    let reader = bed.reader();
    let every = ProblemFilter::default();
    let found = reader.problem_reports(&every, None, 99);
    found.await.unwrap()
}

async fn emptied(bed: &Bed) {
    until("the mailbox is empty", || async {
        bed.world.folder("INBOX").is_empty().then_some(())
    })
    .await;
}

fn about<'a>(reports: &'a [ProblemReport], words: &str) -> &'a ProblemReport {
    let mut fit = reports.iter().filter(|r| r.words.contains(words));
    let one = fit
        .next()
        .unwrap_or_else(|| panic!("{words}: {reports:#?}"));
    assert!(fit.next().is_none(), "{words} twice: {reports:#?}");
    one
}

async fn every_kind_of_mail(database: Option<Database>) {
    let bed = bed(database).await;
    let case = Case::new("D-4711", "mail");
    bed.accounts(std::slice::from_ref(&case));
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, std::slice::from_ref(&case)).await;
    let run = read_all(&bed.reader()).await["D-4711"].run.id;
    let letter = bed.world.entries("mail")[0]
        .idempotency_key
        .clone()
        .unwrap();
    let world = &bed.world;
    let say = |id: &str, headers: &str, subject: &str, text: &str| {
        world.deliver(mail(id, headers, subject, text));
    };
    say(
        "link",
        "",
        "Wrong",
        &format!("by link: https://ops.example.com/runs/{run}"),
    );
    say("record", "", "[D-4711] bad price", "by record");
    say(
        "reply",
        &format!("In-Reply-To: {letter}\r\n"),
        "Re: your answer",
        "by reply",
    );
    say(
        "plus",
        "Delivered-To: reports+faults@example.com\r\n",
        "Hm",
        "by address",
    );
    say(
        "plus2",
        "Delivered-To: reports+unknown@example.com\r\n",
        "Hm",
        "no such flow",
    );
    say("lost", "", "Nothing you know", "fits nobody");
    say("twice", "", "Twice", "delivered twice");
    say("twice", "Received: again\r\n", "Twice", "delivered twice");
    say(
        "loop",
        "Auto-Submitted: auto-replied\r\n",
        "Out of office",
        "I am away",
    );
    say(
        "html",
        "MIME-Version: 1.0\r\nContent-Type: text/html\r\n",
        "Html",
        "<p>as <b>html</b></p><script>run()</script>",
    );
    say("none", "", "Only a subject", "");
    say("approve", "", "approved", &format!("approved {run}"));
    world.deliver(&b"\x00\xff\xfe"[..]);
    emptied(&bed).await;

    let all = reports(&bed).await;
    assert_eq!(all.len(), 11, "{all:#?}");
    let tied = |words: &str| (about(&all, words).run, about(&all, words).tied_by);
    assert_eq!(tied("by link"), (Some(run), ProblemTie::Run));
    assert_eq!(tied("by record"), (Some(run), ProblemTie::Record));
    assert_eq!(tied("by reply"), (Some(run), ProblemTie::Record));
    assert_eq!(tied("approved"), (Some(run), ProblemTie::Run));
    let nothing = (None::<RunId>, ProblemTie::Nothing);
    for words in [
        "by address",
        "no such flow",
        "fits nobody",
        "delivered twice",
        "Only a subject",
    ] {
        assert_eq!(tied(words), nothing, "{words}");
        assert_eq!(about(&all, words).owner, "rhea");
    }
    assert_eq!(
        about(&all, "by address").workflow.as_deref(),
        Some("faults")
    );
    assert_eq!(about(&all, "no such flow").workflow, None);
    assert_eq!(about(&all, "by link").reported_by, "kim@customer.example");
    let html = &about(&all, "Html").words;
    assert!(
        html.contains("as html") && !html.contains("run()") && !html.contains('<'),
        "{html}"
    );
    assert!(
        about(&all, "could not be read")
            .words
            .contains("tuesday-aside")
    );

    // The letter that the run itself sent came back too, and is no report either.
    let aside = bed.reader().mails_aside(9).await.unwrap();
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert!(aside.iter().all(|m| m.outcome == MailOutcome::Automatic));
    let folders = ["tuesday-taken", "tuesday-aside"].map(|f| bed.world.folder(f).len());
    assert_eq!(
        folders,
        [10, 4],
        "what cannot be read lies aside with the machines' mails"
    );
    shown(&bed, &node).await;
    let log = node.log();
    assert!(node.stop().await.success());
    assert!(!log.contains(SECRET));
    let ends = bed.check().await;
    assert!(
        ends["D-4711"].starts_with("completed written_back"),
        "a mail decides nothing: {ends:?}"
    );
    bed.end().await;
}

/// Where people look: the API, the command line, `doctor`.
async fn shown(bed: &Bed, node: &Node) {
    let token = bed.home.token("read", None).await;
    let found = Client::new(&token)
        .get(&format!("{}/api/v1/report-mails", node.url))
        .await
        .unwrap();
    assert_eq!(found.status, 200, "{:?}", found.body);
    assert_eq!(found.body["address"], "reports@example.com");
    assert_eq!(found.body["aside"].as_array().unwrap().len(), 2);
    assert_eq!(found.body["aside"][0]["outcome"], "automatic");
    let said = bed.home.json(&["problem", "mails"]).await;
    assert_eq!(said["aside"].as_array().unwrap().len(), 2, "{said}");
    let (_, out, _) = bed.home.run(&["doctor"]).await;
    assert!(
        out.contains("reports by mail: it answers, nothing waits"),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_one_report_of_the_case_it_names() {
    each("mails", every_kind_of_mail).await;
}

async fn too_many(database: Option<Database>) {
    let bed = bed(database).await;
    for n in 0..25 {
        let text = format!("loop number {n}");
        bed.world
            .deliver(mail(&format!("m{n}"), "", "Again", &text));
    }
    let node = bed.home.ready(&[]).await;
    emptied(&bed).await;
    assert_eq!(reports(&bed).await.len(), 20);
    let aside = bed.reader().mails_aside(9).await.unwrap();
    assert_eq!(aside.len(), 5);
    assert!(aside.iter().all(|m| m.outcome == MailOutcome::TooMany));
    until("the owner is told once", || async {
        let told = std::fs::read_to_string(bed.home.dir.join("notices.jsonl")).unwrap_or_default();
        (told.matches("Mails of one sender are put aside").count() == 1).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_names_itself_nothing_ends_after_twenty() {
    each("too many mails", too_many).await;
}

async fn incident(bed: &Bed, category: Category) -> Option<Incident> {
    let open = bed.reader().open_incidents().await.unwrap();
    open.into_iter().find(|i| i.category == category)
}

async fn down(database: Option<Database>) {
    let bed = bed(database).await;
    let refuse = |status: Option<u16>| Script {
        system: Some("mailbox".into()),
        method: Some(if status.is_some() { "LOGIN" } else { "SELECT" }.into()),
        status: status.or(Some(500)),
        times: 1_000_000,
        ..Script::default()
    };
    for (script, category) in [
        (refuse(None), Category::SourceOutage),
        (refuse(Some(500)), Category::CredentialRefused),
    ] {
        bed.world.script(script).unwrap();
        bed.world
            .deliver(mail(category.word(), "", "Wrong", category.word()));
        let node = bed.home.ready(&[]).await;
        let found = until("the mailbox is an incident", || incident(&bed, category)).await;
        assert!(!found.owner.is_empty());
        assert!(
            found.title.contains("reports@example.com"),
            "{}",
            found.title
        );
        bed.world.clear_scripts();
        emptied(&bed).await;
        until("the incident is over by itself", || async {
            let open = incident(&bed, category).await;
            open.is_none_or(|i| !i.state.is_burning()).then_some(())
        })
        .await;
        assert!(node.stop().await.success());
    }
    assert_eq!(reports(&bed).await.len(), 2, "nothing was lost meanwhile");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_down_is_an_incident_until_it_answers() {
    each("mailbox down", down).await;
}

/// A node dies around the commit of a mail: it is read again, and counts once.
pub(crate) async fn play_mail(point: &str, database: Option<Database>) {
    let bed = bed(database).await;
    let aside = point.contains("aside");
    let header = if aside {
        "Auto-Submitted: auto-replied\r\n"
    } else {
        ""
    };
    bed.world
        .deliver(mail("once", header, "Wrong", "said once"));
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    assert_eq!(
        bed.world.folder("INBOX").len(),
        1,
        "{point}: it was moved before it was durable"
    );
    let node = bed.home.ready(&[]).await;
    emptied(&bed).await;
    assert!(node.stop().await.success());
    let counts = (
        reports(&bed).await.len(),
        bed.reader().mails_aside(9).await.unwrap().len(),
    );
    assert_eq!(counts, if aside { (0, 1) } else { (1, 0) }, "{point}");
    let folder = if aside {
        "tuesday-aside"
    } else {
        "tuesday-taken"
    };
    assert_eq!(bed.world.folder(folder).len(), 1, "{point}");
    bed.check().await;
    bed.end().await;
}
