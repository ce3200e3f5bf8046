//! A mail server of a test.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// How it treats one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    Willing,
    /// Says nothing, ever.
    Stalling,
    /// Closes the connection instead of answering to this command.
    ClosingAt(&'static str),
    /// Answers so to recipients that contain this word.
    Refusing(&'static str, &'static str),
}

/// It serves as long as the process lives.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The first connections are treated so, and all others are welcome.
    pub(crate) fn new(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (manners, all) = (manners.to_vec(), Arc::clone(&heard));
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let manner = manners.get(index).copied().unwrap_or(Manner::Willing);
                let mut text = String::new();
                // Whoever goes away early is what some tests are about.
                drop(stream.and_then(|stream| serve(&stream, manner, &mut text)));
                all.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
        });
        Self { address, heard }
    }

    /// What was said on each connection that is over.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: &TcpStream, manner: Manner, heard: &mut String) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    if !matches!(manner, Manner::Stalling) {
        stream.write_all(b"220-a test\r\n220 is ready\r\n")?;
    }
    let mut is_text = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        heard.push_str(&line);
        heard.push('\n');
        let answer = match manner {
            Manner::Stalling => continue,
            Manner::ClosingAt(command) if line.starts_with(command) => return Ok(()),
            Manner::Refusing(who, answer) if line.starts_with("RCPT") && line.contains(who) => answer,
            _ if is_text && line != "." => continue,
            _ => match line.as_str() {
                "." => "250 taken",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            },
        };
        is_text = line == "DATA";
        // In two pieces, as it may come.
        let (first, second) = answer.split_at(2);
        stream.write_all(first.as_bytes())?;
        stream.write_all(second.as_bytes())?;
        stream.write_all(b"\r\n")?;
        if line == "QUIT" {
            return Ok(());
        }
    }
    Ok(())
}
