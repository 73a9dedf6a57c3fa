//! Keys and tokens.

use super::*;

const DIGITS: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt.hex");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

#[test]
fn a_key_is_read_with_and_without_prefix_and_line_end() {
    let plain = JwtKey::read(&file(DIGITS, 0o600).1).unwrap().token(1);
    let upper = format!("0X{}", DIGITS.to_uppercase());
    for text in [format!("0x{DIGITS}"), format!("{DIGITS}\n"), format!("  0x{DIGITS}\r\n"), upper] {
        let (_folder, path) = file(&text, 0o400);
        assert_eq!(JwtKey::read(&path).unwrap().token(1), plain);
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_command_that_helps() {
    for mode in [0o640, 0o604, 0o620, 0o777] {
        let (_folder, path) = file(DIGITS, mode);
        let error = JwtKey::read(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && error.contains(&format!("{mode:o}")), "{error}");
    }
}

#[test]
fn a_file_of_anything_else_is_refused_and_not_repeated_in_the_error() {
    let long = "a".repeat(100_000);
    for text in ["", "0x", &DIGITS[1..], &format!("{DIGITS}0"), &DIGITS.replace('4', "g"), &long] {
        let (_folder, path) = file(text, 0o600);
        let error = JwtKey::read(&path).unwrap_err();
        assert!(matches!(error, JwtKeyError::Malformed { .. }), "{error}");
        assert!(text.is_empty() || text == "0x" || !error.to_string().contains(text), "{error}");
    }
}

#[test]
fn a_new_key_is_for_its_owner_only_and_never_overwrites_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt.hex");
    let made = JwtKey::read_or_create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(JwtKey::read_or_create(&path).unwrap().token(5), made.token(5));
    assert!(matches!(JwtKey::create(&path), Err(JwtKeyError::File { .. })));
    let other = JwtKey::create(&folder.path().join("other.hex")).unwrap();
    assert_ne!(other.token(5), made.token(5));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_an_earlier_kill_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt.hex");
    // Killed before a byte was written, and before the file got its name.
    for text in ["", DIGITS] {
        write_new(&temporary_beside(&path).unwrap(), text.as_bytes()).unwrap();
    }
    assert!(!path.exists());
    let made = JwtKey::read_or_create(&path).unwrap();
    assert_eq!(JwtKey::read(&path).unwrap().token(1), made.token(1));
    assert_eq!(names(folder.path()).len(), 3, "the two, and the key");
}

#[test]
fn a_new_key_is_whole_under_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt.hex");
    let made = JwtKey::create(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), hex::encode(made.bytes));
    assert_eq!(names(folder.path()), ["jwt.hex"]);
}

#[test]
fn a_file_that_is_there_stays_to_the_last_byte_and_nothing_is_left_beside_it() {
    for text in ["", DIGITS] {
        let (folder, path) = file(text, 0o600);
        let error = JwtKey::create(&path).unwrap_err();
        let JwtKeyError::File { error, .. } = error else { panic!("must name the file: {error}") };
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["jwt.hex"]);
    }
}

#[test]
fn a_key_prints_nothing() {
    let (_folder, path) = file(DIGITS, 0o600);
    let key = JwtKey::read(&path).unwrap();
    assert_eq!((format!("{key:?}"), key.to_string()), ("JwtKey".into(), "JwtKey".into()));
}

/// The token of HS256 for this key and time, from an independent implementation (Python's `hmac`).
#[test]
fn a_token_is_what_another_implementation_makes() {
    let (_folder, path) = file(DIGITS, 0o600);
    let token = JwtKey::read(&path).unwrap().token(1_700_000_000);
    assert_eq!(
        token,
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDB9.o75JBfuQjwv7PeL4XMqoOVLt4Ot6mfFV8YjiWOfsE4c"
    );
}

#[test]
fn a_token_tells_when_it_was_issued_and_only_with_the_right_key() {
    let (key, other) = (JwtKey::new([1; 32]), JwtKey::new([2; 32]));
    let token = key.token(77);
    assert_eq!(key.issued_at(&token), Some(77));
    assert_eq!(other.issued_at(&token), None);
    for broken in ["", ".", "..", &token[1..], &token[..token.len() - 1]] {
        assert_eq!(key.issued_at(broken), None, "{broken}");
    }
}
