//! What stands at the path of a file that is to be written: files, links, devices, pipes, sockets, directories.
//!
//! Device nodes are the tests' own, in a temporary folder, where the system lets them be made; what is asserted of them
//! is asserted of named pipes everywhere.

use std::{
    env, fs,
    io::{ErrorKind, Read, Write},
    os::{
        fd::AsRawFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink},
            net::UnixListener,
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use loss_landscape::{
    Curve, Error, FnModel, Journal, Layout, RandomDirections, Sweep, files, ndarray::array,
};

/// A folder of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("loss-landscape-{}-kinds-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn link(&self, name: &str, target: impl AsRef<Path>) -> PathBuf {
        symlink(target, self.path(name)).unwrap();
        self.path(name)
    }

    fn pipe(&self, name: &str) -> PathBuf {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
        self.path(name)
    }

    /// A device node, if this user may make one here and open it.
    fn device(&self, name: &str, kind: &str, [major, minor]: [&str; 2]) -> Option<PathBuf> {
        let path = self.path(name);
        let made = Command::new("mknod").arg(&path).args([kind, major, minor]).stderr(Stdio::null()).status();
        let made = made.is_ok_and(|status| status.success());
        // What a block device holds is nothing to open.
        let usable = made && (kind == "b" || fs::File::options().append(true).open(&path).is_ok());
        if made && !usable {
            fs::remove_file(&path).unwrap();
        }
        usable.then_some(path)
    }

    /// The names of all that is in it, sorted: a file left over would be among them.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What makes a thing itself: its kind, place and mode.
fn identity(path: &Path) -> (fs::FileType, u64, u32) {
    let found = fs::symlink_metadata(path).unwrap();
    (found.file_type(), found.ino(), found.mode())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| Folder::new("owner").0.metadata().unwrap().uid() == 0)
}

fn curve() -> Curve {
    Curve::from_channels(&[0.0, 1.0], [("loss".to_owned(), array![1.0, 2.0])]).unwrap()
}

/// Reads a pipe to its end on a thread of its own.
fn reader(path: &Path) -> thread::JoinHandle<Vec<u8>> {
    let path = path.to_owned();
    thread::spawn(move || fs::read(path).unwrap())
}

#[test]
fn a_file_is_replaced_and_keeps_mode_and_owner() {
    let folder = Folder::new("plain");
    let path = folder.file("file", "old and much longer than the new one");
    for bits in [0o600, 0o664, 0o2750, 0o400] {
        if is_root() {
            chown(&path, Some(1234), Some(4321)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
        let before = fs::metadata(&path).unwrap();
        // One that has it open keeps all of the old one.
        let mut old = fs::File::open(&path).unwrap();
        let content = fs::read(&path).unwrap();
        files::write(&path, format!("new, {bits:o}")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("new, {bits:o}"));
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "written into, not replaced");
        let mut still = Vec::new();
        old.read_to_end(&mut still).unwrap();
        assert_eq!(still, content);
    }
    assert_eq!(folder.names(), ["file"]);
}

#[test]
fn a_new_file_has_the_mode_of_new_files() {
    let folder = Folder::new("new");
    folder.file("like this", "");
    files::write(folder.path("new"), "new").unwrap();
    assert_eq!(mode(&folder.path("new")), mode(&folder.path("like this")));
    assert_eq!(folder.names(), ["like this", "new"]);
    let nowhere = folder.path("no folder").join("file");
    let error = files::write(&nowhere, "new").unwrap_err();
    assert!(
        matches!(&error, Error::File { path, source } if *path == nowhere && source.kind() == ErrorKind::NotFound)
    );
}

#[test]
fn another_name_of_a_file_keeps_its_content() {
    let folder = Folder::new("hard");
    let path = folder.file("file", "old");
    fs::hard_link(&path, folder.path("other")).unwrap();
    files::write(&path, "new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read(folder.path("other")).unwrap(), b"old");
}

#[test]
fn links_are_followed_and_stay() {
    let folder = Folder::new("links");
    fs::create_dir_all(folder.path("inner/deep")).unwrap();
    folder.file("inner/target", "old");
    let absolute = folder.link("absolute", folder.path("inner/target"));
    // Relative to the folder of the link, not to that of the process.
    let relative = folder.link("inner/deep/relative", "../target");
    let chain = folder.link("chain", "inner/deep/relative");
    // `..` after a link to a folder is the folder above where that leads.
    folder.link("folder", "inner/deep");
    let through = folder.link("through", "folder/../target");
    for link in [absolute, relative, chain, through, folder.path("folder/relative")] {
        let before = identity(&link);
        let bits = 0o640;
        fs::set_permissions(folder.path("inner/target"), fs::Permissions::from_mode(bits)).unwrap();
        files::write(&link, link.display().to_string()).unwrap();
        assert_eq!(identity(&link), before, "{}", link.display());
        assert_eq!(fs::read_to_string(folder.path("inner/target")).unwrap(), link.display().to_string());
        assert_eq!(mode(&folder.path("inner/target")), bits);
    }
    // What is not there is made.
    let dangling = folder.link("dangling", "inner/new");
    files::write(&dangling, "made").unwrap();
    assert_eq!(fs::read(folder.path("inner/new")).unwrap(), b"made");
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    assert_eq!(folder.names(), ["absolute", "chain", "dangling", "folder", "inner", "through"]);
    assert_eq!(fs::read_dir(folder.path("inner")).unwrap().count(), 3);
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let folder = Folder::new("loops");
    let own = folder.link("own", "own");
    let first = folder.link("first", "second");
    folder.link("second", "first");
    for link in [own, first] {
        let error = files::write(&link, "new").unwrap_err();
        assert!(
            matches!(&error, Error::NotAFile { path, kind: "a symbolic link", .. } if *path == link),
            "{error}"
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    assert_eq!(folder.names(), ["first", "own", "second"]);
}

#[test]
fn what_cannot_be_written_to_is_refused_and_left() {
    let folder = Folder::new("refused");
    fs::create_dir(folder.path("empty")).unwrap();
    fs::create_dir(folder.path("full")).unwrap();
    folder.file("full/file", "old");
    let _listener = UnixListener::bind(folder.path("socket")).unwrap();
    let mut things = vec![("empty", "a directory"), ("full", "a directory"), ("socket", "a socket")];
    if folder.device("disk", "b", ["7", "250"]).is_some() {
        things.push(("disk", "a block device"));
    }
    for (name, expected) in things {
        let path = folder.path(name);
        let link = folder.link(&format!("{name} link"), name);
        let (before, names) = (identity(&path), folder.names());
        for asked in [&path, &link] {
            let error = files::write(asked, "new").unwrap_err();
            assert!(
                matches!(&error, Error::NotAFile { path: at, kind, .. } if at == asked && *kind == expected),
                "{error}"
            );
            let text = error.to_string();
            assert!(text.starts_with(&asked.display().to_string()) && text.contains(expected), "{text}");
            assert!(text.contains(&path.display().to_string()), "a link's end is named: {text}");
            assert_eq!((identity(&path), folder.names()), (before, names.clone()));
            // Every writer asks the same.
            assert!(matches!(curve().write_csv(asked), Err(Error::NotAFile { .. })));
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    assert_eq!(fs::read(folder.path("full/file")).unwrap(), b"old");
}

/// A pipe is what can be made everywhere; a node of the null device takes what is written, and one of the full device
/// refuses it as a pipe does whose reader went away.
#[test]
fn devices_and_pipes_are_written_to() {
    let folder = Folder::new("direct");
    let pipe = folder.pipe("pipe");
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut sinks = vec![(pipe.clone(), true), (folder.link("link to pipe", "pipe"), true)];
    if let Some(null) = folder.device("null", "c", ["1", "3"]) {
        sinks.extend([(null, false), (folder.link("link to null", "null"), false)]);
    }
    for (sink, is_pipe) in sinks {
        let (before, names) = (identity(&sink), folder.names());
        let end = fs::canonicalize(&sink).unwrap();
        let at_end = identity(&end);
        let received = is_pipe.then(|| reader(&sink));
        files::write(&sink, &bytes).unwrap();
        assert_eq!((identity(&sink), identity(&end), folder.names()), (before, at_end, names));
        if let Some(received) = received {
            assert_eq!(received.join().unwrap(), bytes);
        }
        // The same by a result's own writer.
        let received = is_pipe.then(|| reader(&sink));
        curve().write_csv(&sink).unwrap();
        assert_eq!((identity(&sink), identity(&end)), (before, at_end));
        if let Some(received) = received {
            assert_eq!(received.join().unwrap(), curve().to_csv_bytes().unwrap());
        }
    }

    // The reader takes one byte and goes.
    let gone = pipe.clone();
    let gone = thread::spawn(move || fs::File::open(gone).unwrap().read_exact(&mut [0]).unwrap());
    let mut failing = vec![(files::write(&pipe, &bytes), pipe, ErrorKind::BrokenPipe)];
    gone.join().unwrap();
    if let Some(full) = folder.device("full", "c", ["1", "7"]) {
        failing.push((files::write(&full, &bytes), full, ErrorKind::StorageFull));
    }
    for (written, asked, kind) in failing {
        let error = written.unwrap_err();
        assert!(
            matches!(&error, Error::File { path, source } if *path == asked && source.kind() == kind),
            "{error}"
        );
        let file_type = identity(&asked).0;
        assert!(file_type.is_fifo() || file_type.is_char_device());
    }
    assert!(folder.names().iter().all(|name| !name.contains("partial")));
}

#[test]
fn a_journal_must_be_a_file() {
    let folder = Folder::new("journals");
    folder.pipe("pipe");
    fs::create_dir(folder.path("folder")).unwrap();
    let _listener = UnixListener::bind(folder.path("socket")).unwrap();
    let mut things = vec![("pipe", "a named pipe"), ("folder", "a directory"), ("socket", "a socket")];
    if folder.device("null", "c", ["1", "3"]).is_some() {
        things.push(("null", "a character device"));
    }
    if folder.device("disk", "b", ["7", "250"]).is_some() {
        things.push(("disk", "a block device"));
    }
    let model = FnModel::new(Layout::flat(1).unwrap(), vec![1.0], |t: &[f64], (): &()| t[0]).unwrap();
    let sweep = |path: &Path| {
        Sweep::line(&model, RandomDirections::new(1)).data("", &()).alpha(0.0..=1.0, 3).journal(path).run()
    };
    for (name, expected) in things {
        let link = folder.link(&format!("{name} link"), name);
        for asked in [folder.path(name), link] {
            let before = identity(&asked);
            let error = sweep(&asked).unwrap_err();
            assert!(
                matches!(&error, Error::NotAFile { path, kind, .. } if *path == asked && *kind == expected),
                "{error}"
            );
            assert_eq!(identity(&asked), before);
        }
    }
    // A link is followed to a file that is there or not, and goes on with it.
    let link = folder.link("journal link", "journal");
    for _ in 0..2 {
        sweep(&link).unwrap();
    }
    assert_eq!(Journal::read([folder.path("journal")]).unwrap().computed(), 3);
    Journal::read([&link]).unwrap().write(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(sweep(&link).unwrap().report().resumed.as_ref().unwrap().points, 3);
    // A merged journal is bytes like others.
    let journal = Journal::read([&link]).unwrap();
    let received = reader(&folder.path("pipe"));
    journal.write(folder.path("pipe")).unwrap();
    assert_eq!(received.join().unwrap(), journal.to_bytes().unwrap());
}

/// `/proc/self/fd/1` and its like, to which `/dev/stdout` leads: their text is `pipe:[…]`, or a file that others have
/// open.
#[cfg(target_os = "linux")]
#[test]
fn an_open_file_is_appended_to() {
    let folder = Folder::new("descriptors");
    let mut open = fs::File::create(folder.path("file")).unwrap();
    open.write_all(b"before, ").unwrap();
    let link = folder.link("link", format!("/proc/self/fd/{}", open.as_raw_fd()));
    let before = (identity(&link), identity(&folder.path("file")));
    files::write(&link, "written").unwrap();
    assert_eq!((identity(&link), identity(&folder.path("file"))), before);
    assert_eq!(fs::read(folder.path("file")).unwrap(), b"before, written");
    // One that has no name any more, of which the link says `… (deleted)`.
    fs::remove_file(folder.path("file")).unwrap();
    files::write(&link, ", too").unwrap();
    assert_eq!(open.metadata().unwrap().len(), "before, written, too".len() as u64);
    assert_eq!(folder.names(), ["link"]);
}

/// What the processes below do; nothing without its variable.
#[test]
fn child() {
    let Ok(path) = env::var("LOSS_LANDSCAPE_TEST_KINDS") else { return };
    print!("<before>");
    match files::write(&path, "<written>") {
        Ok(()) => print!("<after>"),
        Err(Error::FolderRefuses { folder, source, .. }) => {
            print!("<{} refuses: {:?}>", folder.display(), source.kind());
        }
        Err(error) => print!("<{error}>"),
    }
}

fn process(program: &Path, path: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "file_kinds::child", "--nocapture", "--test-threads=1"]);
    command.env("LOSS_LANDSCAPE_TEST_KINDS", path).stderr(Stdio::null());
    command
}

/// The output of a process is a pipe, a file, or a socket.
#[cfg(target_os = "linux")]
#[test]
fn a_process_writes_to_its_own_output() {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};

    let folder = Folder::new("stdout");
    let link = folder.link("link", "/proc/self/fd/1");
    let program = env::current_exe().unwrap();
    let expected = "<before><written><after>";
    let piped = process(&program, &link).output().unwrap();
    assert!(String::from_utf8_lossy(&piped.stdout).contains(expected), "{piped:?}");

    let file = fs::File::create(folder.path("file")).unwrap();
    let before = identity(&folder.path("file"));
    assert!(process(&program, &link).stdout(file).status().unwrap().success());
    let written = fs::read_to_string(folder.path("file")).unwrap();
    assert!(written.contains(expected), "{written}");
    assert_eq!(identity(&folder.path("file")), before);

    let (ours, theirs) = UnixStream::pair().unwrap();
    assert!(process(&program, &link).stdout(OwnedFd::from(theirs)).status().unwrap().success());
    let mut written = String::new();
    (&ours).read_to_string(&mut written).unwrap();
    assert!(written.contains(expected), "{written}");
    assert_eq!(folder.names(), ["file", "link"]);
}

/// Root may write anywhere, so that a process of another user tries it.
#[test]
fn a_folder_that_takes_no_file_is_named_and_an_owner_stays_only_where_allowed() {
    let folder = Folder::new("closed");
    let program = folder.path("program");
    let closed = folder.path("closed");
    let open = folder.path("open");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    for (place, bits) in [(&closed, 0o755), (&open, 0o777)] {
        fs::create_dir(place).unwrap();
        fs::write(place.join("file"), "old").unwrap();
        fs::set_permissions(place.join("file"), fs::Permissions::from_mode(0o4666)).unwrap();
        fs::set_permissions(place, fs::Permissions::from_mode(bits)).unwrap();
    }
    for place in [&folder.0, &program] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let run = |path: &Path| {
        let mut command = process(&program, path);
        if is_root() {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    if !is_root() {
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    }
    for name in ["file", "new"] {
        let said = run(&closed.join(name));
        assert!(said.contains(&format!("<{} refuses: PermissionDenied>", closed.display())), "{said}");
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fs::read(closed.join("file")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 1);

    let said = run(&open.join("file"));
    assert!(said.contains("<before><after>"), "{said}");
    assert_eq!(fs::read(open.join("file")).unwrap(), b"<written>");
    // Set-user-ID is not given to another user's file.
    assert_eq!(mode(&open.join("file")), if is_root() { 0o666 } else { 0o4666 });
    assert_eq!(fs::read_dir(&open).unwrap().count(), 1);
}
