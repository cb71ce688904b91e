//! Follows where requests begin and end on a connection, to see what hyper does not hand on: a
//! request with both `Content-Length` and `Transfer-Encoding`, of which the former is dropped. Two
//! servers that take such a request differently can be made to see two requests in one (RFC 9112,
//! 6.1 and 11.2).

/// How much of a line is kept: the longest name that matters, a colon, and the digits of a length.
const LINE_BYTES_KEPT: usize = 48;

/// Where in the stream of requests the next byte is.
#[derive(Debug)]
pub(super) enum Framing {
    /// In a head.
    Head(Head),
    /// In a body, with so many bytes left.
    Body(u64),
    /// Somewhere in or after a body whose end is not followed: the connection is closed after it.
    Lost,
}

/// A head of which some lines have been read.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The start of the current line, in lower case.
    line: Vec<u8>,
    line_bytes: usize,
    has_lines: bool,
    has_coding: bool,
    length: Length,
}

/// What a head says of the length of its body.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Length {
    #[default]
    Unsaid,
    Bytes(u64),
    /// It cannot be read, and hyper refuses the request.
    Unreadable,
}

/// What a read has shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Shown {
    /// A head has both fields.
    pub(super) is_ambiguous: bool,
    /// Where the request ends is not followed any further.
    pub(super) is_last: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Framing {
    /// Goes on over the bytes that have just been read.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Shown {
        let mut shown = Shown::default();
        while let Some((&byte, rest)) = bytes.split_first() {
            match self {
                Self::Lost => break,
                Self::Body(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[here..];
                    *left -= here as u64;
                    if *left == 0 {
                        *self = Self::default();
                    }
                }
                Self::Head(head) => {
                    bytes = rest;
                    if byte != b'\n' {
                        head.take(byte);
                    } else if head.line_ends() {
                        shown.is_ambiguous |= head.has_coding && head.length != Length::Unsaid;
                        *self = head.body();
                        shown.is_last |= matches!(self, Self::Lost);
                    }
                }
            }
        }
        shown
    }
}

impl Head {
    fn take(&mut self, byte: u8) {
        self.line_bytes += 1;
        if self.line.len() < LINE_BYTES_KEPT {
            self.line.push(byte.to_ascii_lowercase());
        }
    }

    /// Reads the line that has just ended. Returns whether the head has, too.
    fn line_ends(&mut self) -> bool {
        let is_cut = self.line_bytes > self.line.len();
        let line = self.line.trim_ascii_end();
        // Empty lines before a request are passed over.
        let is_end = line.is_empty() && self.has_lines;
        self.has_lines |= !line.is_empty();
        if line.starts_with(b"transfer-encoding:") {
            self.has_coding = true;
        } else if let Some(value) = line.strip_prefix(b"content-length:") {
            let digits = std::str::from_utf8(value.trim_ascii()).ok();
            let length = digits.filter(|_| !is_cut).and_then(|digits| digits.parse().ok());
            self.length = length.map_or(Length::Unreadable, Length::Bytes);
        }
        self.line.clear();
        self.line_bytes = 0;
        is_end
    }

    /// What follows the head.
    fn body(&self) -> Framing {
        match self.length {
            Length::Unsaid | Length::Bytes(0) if !self.has_coding => Framing::default(),
            Length::Bytes(length) if !self.has_coding => Framing::Body(length),
            Length::Unsaid | Length::Bytes(_) | Length::Unreadable => Framing::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_followed_in_pieces_of_any_size() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nCONTENT-length:  26 \r\n\r\nTransfer-Encoding: x\r\n\r\n..";
        let zero = "POST / HTTP/1.1\nContent-Length: 0\n\n";
        let chunked =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let both = "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
        let swapped = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n";
        let long = format!("GET / HTTP/1.1\r\nContent-Length:{}5\r\n\r\n", " ".repeat(100));
        let (plain, last) = (Shown::default(), Shown { is_ambiguous: false, is_last: true });
        let ambiguous = Shown { is_ambiguous: true, is_last: true };
        for (sent, expected) in [
            (format!("{get}{post}{zero}\r\n{get}"), plain),
            (format!("{post}{post}"), plain),
            (format!("{get}{chunked}"), last),
            (format!("{chunked}{both}"), last),
            (format!("{get}{post}{both}"), ambiguous),
            (format!("{zero}{swapped}{get}"), ambiguous),
            (long, last),
        ] {
            for size in [1, 2, 7, sent.len()] {
                let mut framing = Framing::default();
                let mut shown = Shown::default();
                for piece in sent.as_bytes().chunks(size) {
                    let here = framing.read(piece);
                    shown.is_ambiguous |= here.is_ambiguous;
                    shown.is_last |= here.is_last;
                }
                assert_eq!(shown, expected, "{sent:?} in pieces of {size}");
            }
        }
    }
}
