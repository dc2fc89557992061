package rowcopy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The binary format of COPY: a signature, flags, the length of an extension of
// the header, then rows of a number of values, each with its length before it,
// and a number of -1 at the end. In the text format a row is a line.
const signature = "PGCOPY\n\xff\r\n\x00"

// splitter cuts a stream of rows, as COPY TO STDOUT writes it, into streams that
// COPY FROM STDIN takes each for itself.
type splitter struct {
	br   *bufio.Reader
	text bool
	// header is what each piece of a binary stream begins with.
	header []byte
	values int   // of the row that are still to come
	left   int64 // bytes of the value that are still to come
	inLine bool
	ended  bool
}

func newSplitter(r io.Reader, text bool) *splitter {
	return &splitter{br: bufio.NewReaderSize(r, 64<<10), text: text}
}

// more reports whether another row comes.
func (s *splitter) more() (bool, error) {
	if s.ended {
		return false, nil
	}
	if s.text {
		_, err := s.br.Peek(1)
		if s.ended = errors.Is(err, io.EOF); s.ended {
			return false, nil
		}
		return err == nil, err
	}
	if s.header == nil {
		if err := s.begin(); err != nil {
			return false, err
		}
	}
	head, err := s.br.Peek(2)
	if err != nil {
		return false, unexpected(err)
	}
	if int16(binary.BigEndian.Uint16(head)) != -1 { //nolint:gosec // two's complement is meant
		return true, nil
	}
	// Nothing follows; whoever writes has to be read to the end.
	s.ended = true
	_, err = io.Copy(io.Discard, s.br)
	return false, err
}

// begin reads the header.
func (s *splitter) begin() error {
	const fixed = len(signature) + 8
	head := make([]byte, fixed)
	if _, err := io.ReadFull(s.br, head); err != nil {
		return unexpected(err)
	}
	if !bytes.HasPrefix(head, []byte(signature)) {
		return errors.New("what the source writes is no binary COPY")
	}
	more := binary.BigEndian.Uint32(head[fixed-4:])
	if more > 1<<20 {
		return fmt.Errorf("what the source writes has a header of %d bytes", more)
	}
	extension := make([]byte, more)
	if _, err := io.ReadFull(s.br, extension); err != nil {
		return unexpected(err)
	}
	s.header = append(head, extension...)
	return nil
}

// unexpected says that a stream ended where it may not.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// piece returns the next rows, as many as come before enough says, of the bytes
// so far, that they are enough. It has to be read to its end before another.
func (s *splitter) piece(enough func(bytes int) bool) io.Reader {
	return &piecewise{s: s, pending: bytes.Clone(s.header), enough: enough}
}

type piecewise struct {
	s       *splitter
	pending []byte
	enough  func(bytes int) bool
	bytes   int // of rows
	ended   bool
}

// Read reads the rows of the piece.
func (p *piecewise) Read(out []byte) (n int, err error) {
	for n < len(out) {
		if len(p.pending) > 0 {
			k := copy(out[n:], p.pending)
			p.pending, n = p.pending[k:], n+k
			continue
		}
		if p.ended {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		// What was read already goes on before anybody waits.
		if n > 0 && p.s.br.Buffered() < 4 {
			return n, nil
		}
		k, err := p.s.next(p, out[n:])
		n, p.bytes = n+k, p.bytes+k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// next copies what comes next of the stream, or ends the piece.
func (s *splitter) next(p *piecewise, out []byte) (int, error) {
	if s.text {
		return s.lines(p, out)
	}
	if s.left > 0 {
		k, err := s.br.Read(out[:min(int64(len(out)), s.left)])
		s.left -= int64(k)
		return k, unexpected(err)
	}
	size := 2
	if s.values > 0 {
		size = 4
	} else if p.bytes > 0 && p.enough(p.bytes) {
		return 0, p.end()
	}
	head, err := s.br.Peek(size)
	if err != nil {
		return 0, unexpected(err)
	}
	if size == 4 {
		s.values--
		// A null has a length of -1 and no bytes.
		length := int64(int32(binary.BigEndian.Uint32(head))) //nolint:gosec // two's complement is meant
		if length < -1 {
			return 0, fmt.Errorf("what the source writes has a value of %d bytes", length)
		}
		s.left = max(0, length)
	} else {
		n := int16(binary.BigEndian.Uint16(head)) //nolint:gosec // two's complement is meant
		if n < -1 {
			return 0, fmt.Errorf("what the source writes has a row of %d values", n)
		}
		if n < 0 {
			return 0, p.end()
		}
		s.values = int(n)
	}
	k := copy(out, head)
	p.pending = append(p.pending, head[k:]...)
	_, err = s.br.Discard(size)
	p.bytes += size - k
	return k, err
}

// end ends a piece of a binary stream.
func (p *piecewise) end() error {
	p.ended = true
	p.pending = []byte{0xff, 0xff}
	return nil
}

// lines copies as much of a text stream as belongs to the piece.
func (s *splitter) lines(p *piecewise, out []byte) (int, error) {
	if !s.inLine && p.bytes > 0 && p.enough(p.bytes) {
		p.ended = true
		return 0, nil
	}
	if _, err := s.br.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			p.ended, s.ended = true, true
			return 0, nil
		}
		return 0, err
	}
	have, _ := s.br.Peek(min(len(out), s.br.Buffered()))
	// A newline in a value is written as two other characters.
	k := bytes.IndexByte(have, '\n') + 1
	if s.inLine = k == 0; s.inLine {
		k = len(have)
	}
	copy(out, have[:k])
	_, err := s.br.Discard(k)
	return k, err
}
