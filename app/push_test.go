package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

func TestProgressIsCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			mu   sync.Mutex
			sent []session.MoveView
			at   []time.Time
		)
		p := newPusher(func(event string, payload any) {
			mu.Lock()
			defer mu.Unlock()
			v, ok := payload.(session.MoveView)
			require.True(t, ok)
			require.Equal(t, "move", event)
			sent, at = append(sent, v), append(at, time.Now())
		})
		ctx, stop := context.WithCancel(t.Context())
		go p.run(ctx)
		const seconds, perSecond = 3, 500
		for n := range seconds * perSecond {
			for id := range 3 {
				p.push(session.MoveView{ID: fmt.Sprint(id), RowsCopied: int64(n)})
			}
			time.Sleep(time.Second / perSecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		require.LessOrEqual(t, len(sent), 10*(seconds+1)+1)
		require.GreaterOrEqual(t, len(sent), 10*seconds)
		for i := 1; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i].Sub(at[i-1]), pushEvery)
		}
		last := map[string]int64{}
		for _, v := range sent {
			require.Greater(t, v.RowsCopied+1, last[v.ID], "a move went backwards")
			last[v.ID] = v.RowsCopied
		}
		for id := range 3 {
			require.Equal(t, int64(seconds*perSecond-1), last[fmt.Sprint(id)], "the newest view arrives")
		}

		before := len(sent)
		p.push(session.MoveView{ID: "1", RowsCopied: seconds*perSecond - 1})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, sent, before, "what the page has is not sent again")
		stop()
	})
}

func TestEventsAreSmall(t *testing.T) {
	t.Parallel()
	v := session.MoveView{ID: "1", Error: &session.Problem{Message: "why"}}
	for i := range 2000 {
		v.Tables = append(v.Tables, session.MoveTable{Table: fmt.Sprintf("table_%d", i)})
		v.Log = append(v.Log, session.LogLine{Message: fmt.Sprintf("line %d %s", i, strings.Repeat("x", 50))})
		v.Checks = append(v.Checks, session.Check{Name: "check", Message: strings.Repeat("y", 50)})
	}
	small, text := slim(v)
	require.LessOrEqual(t, len(text), pushBytes)
	require.Len(t, small.Log, logTail)
	require.Equal(t, "line 1999", small.Log[logTail-1].Message[:9])
	require.Equal(t, "why", small.Error.Message)
	require.Len(t, v.Tables, 2000, "the view of others is left alone")
	require.NotContains(t, text, `"tables":null`)
	require.True(t, json.Valid([]byte(text)))

	few, _ := slim(session.MoveView{ID: "2", Tables: []session.MoveTable{{Table: "t"}}})
	require.Len(t, few.Tables, 1)
	require.NotNil(t, few.Log)
}

func TestMovesUnderWay(t *testing.T) {
	t.Parallel()
	p := newPusher(func(string, any) {})
	p.push(session.MoveView{ID: "2", Label: "beta", State: "copying"})
	p.push(session.MoveView{ID: "1", Label: "alpha", State: "copying"})
	p.push(session.MoveView{ID: "3", Label: "gamma", State: "retained", Settled: true})
	require.Len(t, p.underWay(), 2)
	require.Equal(t, "alpha", p.underWay()[0].Label)
	p.push(session.MoveView{ID: "1", Label: "alpha", State: "retained", Settled: true})
	require.Len(t, p.underWay(), 1)
}
