//go:build unix

package monitor_test

import (
	"testing"

	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
