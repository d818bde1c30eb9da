//! Which passwords are taken: long enough, and not what guessers try first.
//!
//! No rules of composition (OWASP ASVS 5.0, 6.2.5). What is refused is found by rule and not by a
//! list of leaked passwords: common words with digits and signs around them or letters swapped for
//! digits, several of them in a row, walks over the keyboard, repetitions, and words of the context:
//! the person, the product, the organisation. Together that is more than three hundred thousand
//! passwords, and no leaked one that happens to be random. It needs no network.

/// Fewest characters of a password; a second factor is asked for besides (ASVS 6.2.1).
pub const PASSWORD_LEAST: usize = 12;
/// What people are advised to take at least.
pub const PASSWORD_ADVISED: usize = 15;
/// Most characters, so that hashing cannot be made slow (ASVS 6.2.9 asks for at least 64).
pub const PASSWORD_MOST: usize = 256;

/// What guessers try first, in small letters. A password that consists of these, with digits and
/// signs around them, is no secret, however long.
const COMMON: &str = "password passwort passwd motdepasse contrasena senha parola wachtwoord haslo heslo salasana qwerty qwertz azerty \
    asdf asdfgh zxcvbn qazwsx letmein welcome willkommen bienvenue benvenuto hello hallo hola bonjour ciao iloveyou \
    loveyou love loveme lovely ichliebedich teamo jetaime admin administrator root superuser user username guest test tester \
    testing demo temp temporary default changeme changeit newpassword mypassword secret geheim private access login logon signin \
    enter opensesame letmeinplease trustnoone trustno master system server service manager office company business work \
    computer laptop internet network windows microsoft google facebook apple android iphone samsung amazon linux ubuntu oracle \
    monkey dragon tiger lion eagle falcon phoenix wolf horse panda kitty kitten cat dog puppy bunny butterfly dolphin chicken \
    bear shark snake spider turtle football fussball soccer baseball basketball hockey tennis golf liverpool chelsea arsenal \
    manchester barcelona realmadrid juventus bayern yankees lakers cowboys steelers sunshine sunflower rainbow flower rose \
    summer winter spring autumn fall sommer january february march april may june july august september october november december \
    monday tuesday wednesday thursday friday saturday sunday weekend holiday vacation christmas birthday \
    princess prince queen king angel baby babygirl sweetie honey darling sweetheart friend friends family mother father mama papa \
    superman batman spiderman ironman starwars starwar jedi yoda pokemon pikachu naruto minecraft mario zelda matrix gandalf \
    hobbit merlin hogwarts harrypotter potter winnie mickey donald disney barbie snoopy garfield simpson michael michelle \
    jennifer jessica ashley amanda daniel thomas andrew robert william james john david joshua matthew anthony charlie george \
    jordan hunter ranger soldier killer shadow ninja hacker hacked ghost death devil satan jesus christ god heaven blessed \
    freedom liberty america england london paris berlin madrid germany france canada mexico india china japan \
    money dollar diamond gold golden silver platinum lucky success winner champion number one two three \
    mustang ferrari porsche mercedes corvette harley yamaha toyota honda chocolate cookie coffee banana orange cherry \
    pepper ginger cheese pizza whatever nothing something blank none null unknown correct horse battery staple \
    abc abcd abcdef alpha beta delta omega zero the and is my me you your for please this that it in we our not";

/// Ways over keyboards and alphabets that fingers take by themselves; each also backwards.
const TRACKS: &[&str] = &[
    "1234567890",
    "qwertyuiop",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiopü",
    "yxcvbnm,.-",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "!@#$%^&*()",
    "!\"§$%&/()=",
    "7894561230",
    "147258369",
];

/// Whether a password may be used where these words are known: the person's handle, name and mail
/// address, the product, the organisation.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn password(text: &str, context: &[&str]) -> Result<(), String> {
    let length = text.chars().count();
    if length < PASSWORD_LEAST {
        return Err(format!(
            "the password has {length} characters; at least {PASSWORD_LEAST} are needed, {PASSWORD_ADVISED} or more are better"
        ));
    }
    if length > PASSWORD_MOST {
        return Err(format!("at most {PASSWORD_MOST} characters are taken"));
    }
    let lower: Vec<char> = text.to_lowercase().chars().collect();
    let different: std::collections::BTreeSet<&char> = lower.iter().collect();
    if different.len() < 5 || repeats(&lower) || walks(&lower) {
        return Err(
            "this password is a repetition or a walk over the keyboard, which are guessed first"
                .to_owned(),
        );
    }
    if common(&lower, context) {
        return Err(
            "this password is made of words that are guessed first: common ones, or yours, the organisation's or the product's"
                .to_owned(),
        );
    }
    Ok(())
}

/// One short piece over and over.
fn repeats(text: &[char]) -> bool {
    (1..PASSWORD_LEAST.min(text.len() / 2 + 1))
        .any(|n| text.chunks(n).all(|piece| text.starts_with(piece)))
}

/// Nothing but stretches of three or more along one of the tracks, perhaps with signs between them.
fn walks(text: &[char]) -> bool {
    let mut at = 0;
    let mut walked = false;
    while at < text.len() {
        let n = stretch(&text[at..]);
        if n >= 3 {
            walked = true;
            at += n;
        } else if walked && text.len() - at < 3 {
            // What is left over at the end saves nothing.
            return true;
        } else if text[at].is_alphanumeric() {
            return false;
        } else {
            at += 1;
        }
    }
    walked
}

/// How far the text starts along one of the tracks.
fn stretch(text: &[char]) -> usize {
    let along = |track: &[char]| {
        (0..track.len())
            .map(|from| {
                let pairs = track[from..].iter().zip(text);
                pairs.take_while(|(a, b)| a == b).count()
            })
            .max()
            .unwrap_or(0)
    };
    let mut best = 0;
    for track in TRACKS {
        let forth: Vec<char> = track.chars().collect();
        let back: Vec<char> = track.chars().rev().collect();
        best = best.max(along(&forth)).max(along(&back));
    }
    best
}

/// Whether the letters, as they stand or with digits read as letters, are common words and no more.
fn common(lower: &[char], context: &[&str]) -> bool {
    let own: Vec<String> = context.iter().flat_map(|c| pieces(c)).collect();
    let words: Vec<&str> = COMMON
        .split_whitespace()
        .chain(own.iter().map(String::as_str))
        .collect();
    let plain: String = lower.iter().filter(|c| c.is_alphabetic()).collect();
    let read = |ones: char| -> String {
        let swapped = lower.iter().map(|c| swapped(*c, ones));
        swapped.filter(|c| c.is_alphabetic()).collect()
    };
    // Digits at the ends are a year or a number; those inside may stand for letters.
    let trimmed: Vec<char> = lower
        .iter()
        .collect::<String>()
        .trim_matches(|c: char| !c.is_alphabetic() && !"@$".contains(c))
        .chars()
        .collect();
    let inner = |ones: char| -> String {
        let swapped = trimmed.iter().map(|c| swapped(*c, ones));
        swapped.filter(|c| c.is_alphabetic()).collect()
    };
    [plain, read('i'), read('l'), inner('i'), inner('l')]
        .iter()
        .any(|letters| !letters.is_empty() && made_of(letters, &words))
}

fn swapped(c: char, ones: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => ones,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    }
}

/// The words of a context, and all of them in one.
fn pieces(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let parts = lower.split(|c: char| !c.is_alphabetic());
    let mut out: Vec<String> = parts
        .filter(|p| p.chars().count() >= 3)
        .map(str::to_owned)
        .collect();
    let joined: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    if joined.chars().count() >= 3 {
        out.push(joined);
    }
    out
}

/// Whether a text is a row of at most four of these words and nothing else.
fn made_of(text: &str, words: &[&str]) -> bool {
    // The fewest words that end at each place.
    let mut fewest: Vec<Option<u32>> = vec![None; text.len() + 1];
    fewest[0] = Some(0);
    for at in 0..text.len() {
        let Some(count) = fewest[at] else { continue };
        for word in words {
            if text[at..].starts_with(word) {
                let end = at + word.len();
                let next = fewest[end].map_or(count + 1, |n| n.min(count + 1));
                fewest[end] = Some(next);
            }
        }
    }
    fewest[text.len()].is_some_and(|n| n <= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> bool {
        let context = [
            "dana",
            "Dana Whitfield",
            "dana@acme-freight.example",
            "https://tuesday.acme-freight.example",
        ];
        password(text, &context).is_ok()
    }

    #[test]
    fn long_is_good_and_needs_no_signs() {
        for good in [
            "seven grey herons",
            "ünnötige längen",
            "xkcd-says-otherwise",
            "mein hut der hat drei ecken",
            "wqzmpflxvkrt",
            "590283716405",
            "kettle sunshine gravel",
        ] {
            assert!(ok(good), "{good}");
        }
        assert!(ok(&"mrzq hollow kvint ".repeat(4)[..64]), "64 are taken");
        let long: String = (0..64).map(|i| char::from(b'!' + i)).collect();
        assert!(ok(&long) && !ok(&long.repeat(5)));
        assert!(!ok("short"));
    }

    #[test]
    fn words_that_are_guessed_first_are_refused_however_they_are_dressed_up() {
        for bad in [
            "password12345",
            "Password!2026",
            "P@ssw0rd!2026",
            "p455w0rdp455w0rd",
            "Welcome2026!!",
            "Summer-2026-Winter",
            "correcthorsebatterystaple",
            "iloveyou123456",
            "123letmein456",
            "Adm1n1strator!",
            "dragon-monkey-2026",
            "changeme1234",
        ] {
            assert!(!ok(bad), "{bad}");
        }
    }

    #[test]
    fn walks_and_repetitions_are_refused() {
        for bad in [
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "1qaz2wsx3edc",
            "qwertyuiopasdf",
            "zxcvbnm,./asd",
            "abcdefghijkl",
            "lkjhgfdsapoi",
            "hunter9hunter9hunter9",
            "x9k2!x9k2!x9k2!",
            "1234-5678-9876",
        ] {
            assert!(!ok(bad), "{bad}");
        }
    }

    #[test]
    fn words_of_the_place_are_refused() {
        for bad in [
            "dana20262026!",
            "Dana Whitfield 1",
            "Whitfield-2026",
            "acmefreight99",
            "Acme-Freight-2026",
            "tuesday-2026!",
            "d4na-wh1tf1eld",
        ] {
            assert!(!ok(bad), "{bad}");
        }
        assert!(
            password("Whitfield-2026", &["someone else"]).is_ok(),
            "another person's name is not known"
        );
    }
}
