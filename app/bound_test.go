package app

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func TestBoundTypesSuitAPage(t *testing.T) {
	t.Parallel()
	failed := reflect.TypeFor[error]()
	for _, s := range New(Options{}).Services() {
		v := reflect.ValueOf(s)
		require.Positive(t, v.NumMethod())
		for i := range v.NumMethod() {
			m := v.Type().Method(i)
			name := v.Elem().Type().Name() + "." + m.Name
			require.Equal(t, failed, m.Type.Out(m.Type.NumOut()-1), name)
			for n := range m.Type.NumIn() - 1 {
				suits(t, name, m.Type.In(n+1), map[reflect.Type]bool{})
			}
			for n := range m.Type.NumOut() - 1 {
				suits(t, name, m.Type.Out(n), map[reflect.Type]bool{})
			}
		}
	}
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func suits(t *testing.T, where string, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	if seen[typ] {
		return
	}
	seen[typ] = true
	require.NotEqual(t, reflect.TypeFor[time.Time](), typ, where)
	require.NotEqual(t, reflect.TypeFor[time.Duration](), typ, where)
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		suits(t, where, typ.Elem(), seen)
	case reflect.Map:
		require.Equal(t, reflect.String, typ.Key().Kind(), where)
		suits(t, where, typ.Elem(), seen)
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.Anonymous {
				require.Regexp(t, snake, f.Tag.Get("json"), "%s: %s.%s", where, typ, f.Name)
			}
			suits(t, fmt.Sprintf("%s: %s.%s", where, typ, f.Name), f.Type, seen)
		}
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int64, reflect.Float64, reflect.Interface:
	default:
		t.Errorf("%s: a page has no %s", where, typ.Kind())
	}
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	v := session.TenantView{Move: &session.MoveView{}, History: []session.Event{{}}}
	complete(reflect.ValueOf(&v).Elem())
	require.NotNil(t, v.Tables)
	require.NotNil(t, v.Move.Tables)
	require.NotNil(t, v.Move.Next)
	require.NotNil(t, v.History[0].Details)
	require.Nil(t, v.Move.Error, "what is not known stays null")
}

func TestProblems(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"code":"flag_off","message":"it is off","hint":"turn it on","safe":"nothing was changed","grants":[]}`, ProblemText(fmt.Errorf("around: %w", fault.New(fault.FlagOff, "it is off", "turn it on"))))
	unknown := ProblemText(errors.New("password=hunter2 refused"))
	require.NotContains(t, unknown, "hunter2", "nobody checked what is in it")
	require.Contains(t, unknown, `"code":"internal"`)
}

// What is safe after a failure is said by its code, and more by a call that only
// looks.
func TestWhatIsSafe(t *testing.T) {
	t.Parallel()
	lost := fault.New(fault.DatabaseGone, "the connection was lost", "try again")
	require.Contains(t, Problem(lost).Safe, "not known")
	require.Equal(t, session.Looked, Problem(looked(lost)).Safe)
	refused := looked(fault.New(fault.MoveInProgress, "a move holds it", "wait"))
	require.Equal(t, "nothing was changed", Problem(refused).Safe)
	require.Equal(t, fault.MoveInProgress, fault.CodeOf(refused))
	require.NoError(t, looked(nil))
}

func TestDoctorSaysWhatThisComputerLacks(t *testing.T) {
	t.Parallel()
	found := func(a *App) map[string]string {
		e, err := (&Settings{a}).Doctor()
		require.NoError(t, err)
		require.NotEmpty(t, e.CheckedAt)
		out := map[string]string{}
		for _, c := range e.Checks {
			out[c.Name] = c.Status + " " + c.Message
		}
		return out
	}
	h := openHome(t, nil)
	nobody := found(New(Options{Home: h, Mode: Page}))
	require.Equal(t, "ok "+h.Dir()+", for nobody else", nobody["home folder"])
	require.Contains(t, nobody["settings"], "warning nobody said who you are")
	require.Contains(t, nobody["fleets"], "warning no fleet is known")
	require.Equal(t, "ok it answers, and keeps passwords", nobody["keychain"])
	require.Equal(t, "ok you are ann@example.com", found(New(Options{Home: h, Mode: Page, Email: "ann@example.com"}))["settings"])
}

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	a := New(Options{Home: openHome(t, nil)})
	_, err := answer(a, time.Second, func(ctxOf) (int, error) { panic("hunter2") })
	require.Equal(t, fault.Internal, fault.CodeOf(err))
	require.NotContains(t, ProblemText(err), "hunter2")
}
