package job

import (
	"testing"

	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
