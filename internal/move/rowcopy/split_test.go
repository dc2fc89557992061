package rowcopy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// row is a row of the binary format; a nil value is null.
func row(values ...[]byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(values))) //nolint:gosec // few
	for _, v := range values {
		if v == nil {
			out = binary.BigEndian.AppendUint32(out, 0xffffffff)
			continue
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...) //nolint:gosec // short
	}
	return out
}

func head(extension string) []byte {
	out := append([]byte(signature), 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint32(out, uint32(len(extension))), extension...) //nolint:gosec // short
}

// pieces reads a stream by pieces of at least size bytes.
func pieces(r io.Reader, text bool, size int) ([][]byte, error) {
	out := [][]byte{}
	s := newSplitter(r, text)
	for {
		more, err := s.more()
		if err != nil || !more {
			return out, err
		}
		p, err := io.ReadAll(s.piece(func(n int) bool { return n >= size }))
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
}

// Whatever the rows, however the stream comes and however it is cut: every piece is
// a stream of its own of whole rows, and all rows come once and in order.
func TestPiecesAreWholeRowsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Bool().Draw(t, "text")
		value := rapid.SliceOfN(rapid.Byte(), 0, 300)
		var rows [][]byte
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			if text {
				rows = append(rows, append(bytes.ReplaceAll(value.Draw(t, "line"), []byte("\n"), []byte(`\n`)), '\n'))
				continue
			}
			values := make([][]byte, rapid.IntRange(0, 5).Draw(t, "values"))
			for i := range values {
				if rapid.IntRange(0, 4).Draw(t, "null") > 0 {
					values[i] = append([]byte{}, value.Draw(t, "value")...)
				}
			}
			rows = append(rows, row(values...))
		}
		begin, end := []byte{}, []byte{}
		if !text {
			begin, end = head(rapid.SampledFrom([]string{"", "more"}).Draw(t, "extension")), []byte{0xff, 0xff}
		}
		stream := bytes.Join([][]byte{begin, bytes.Join(rows, nil), end}, nil)
		size := rapid.IntRange(1, 2000).Draw(t, "size")
		var r io.Reader = bytes.NewReader(stream)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			r = iotest.OneByteReader(r)
		case 1:
			r = iotest.HalfReader(r)
		}
		got, err := pieces(r, text, size)
		require.NoError(t, err)
		for _, p := range got {
			require.True(t, bytes.HasPrefix(p, begin) && bytes.HasSuffix(p, end))
			p = p[len(begin) : len(p)-len(end)]
			require.NotEmpty(t, p)
			for n := 0; len(p) > 0; {
				require.Less(t, n, size, "more rows than are enough")
				require.True(t, len(rows) > 0 && bytes.HasPrefix(p, rows[0]))
				n += len(rows[0])
				p, rows = p[len(rows[0]):], rows[1:]
				require.False(t, len(p) == 0 && n < size && len(rows) > 0, "fewer rows than are enough")
			}
		}
		require.Empty(t, rows)
	})
}

// A stream that ends too early, or is another, is an error and no shorter table.
func TestAStreamThatIsCutOffIsAnError(t *testing.T) {
	t.Parallel()
	whole := bytes.Join([][]byte{head(""), row([]byte("one"), nil), row([]byte("two"), []byte{}), {0xff, 0xff}}, nil)
	for n := range len(whole) {
		_, err := pieces(bytes.NewReader(whole[:n]), false, 1)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %d bytes", n)
	}
	broken := errors.New("the line is cut")
	for _, text := range []bool{false, true} {
		for n := range len(whole) {
			_, err := pieces(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken)), text, 1)
			require.ErrorIs(t, err, broken, "after %d bytes", n)
		}
	}
	_, err := pieces(bytes.NewReader([]byte("1\tone\n2\ttwo\n3\tthree of these lines\n")), false, 1)
	require.EqualError(t, err, "what the source writes is no binary COPY")
	_, err = pieces(bytes.NewReader(append([]byte(signature), 0, 0, 0, 0, 0xff, 0, 0, 0)), false, 1)
	require.EqualError(t, err, "what the source writes has a header of 4278190080 bytes")
}

func FuzzSplitter(f *testing.F) {
	f.Add(bytes.Join([][]byte{head(""), row([]byte("one"), nil), {0xff, 0xff}}, nil), false)
	f.Add([]byte("1\tone\n2"), true)
	f.Fuzz(func(t *testing.T, stream []byte, text bool) {
		got, err := pieces(bytes.NewReader(stream), text, 10)
		if text && (err != nil || !bytes.Equal(bytes.Join(got, nil), stream)) {
			t.Fatal(fmt.Sprint(err))
		}
	})
}
