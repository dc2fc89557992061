package report_test

import (
	"testing"

	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
