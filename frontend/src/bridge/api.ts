import * as AlertsService from "../../wailsjs/go/app/Alerts";
import * as AuditService from "../../wailsjs/go/app/Audit";
import * as MovesService from "../../wailsjs/go/app/Moves";
import * as OverviewService from "../../wailsjs/go/app/Overview";
import * as RebalanceService from "../../wailsjs/go/app/Rebalance";
import * as SettingsService from "../../wailsjs/go/app/Settings";
import * as ShellService from "../../wailsjs/go/app/Shell";
import * as TenantsService from "../../wailsjs/go/app/Tenants";
import { Failure, toProblem } from "./problem";

// Wails puts the methods on window.go after its page has loaded, so they are
// looked up at each call, and every rejection becomes a Failure.
function call<A extends unknown[], R>(method: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await method(...args);
    } catch (reason) {
      throw new Failure(toProblem(reason));
    }
  };
}

export const api = {
  info: call(ShellService.Info),
  setOperator: call(ShellService.SetOperator),
  openFleet: call(ShellService.UseFleet),

  status: call(OverviewService.Status),
  health: call(OverviewService.Health),
  distribution: call(OverviewService.Distribution),
  stats: call(OverviewService.Stats),
  views: call(OverviewService.Views),
  sessions: call(OverviewService.Sessions),
  cancelSession: call(OverviewService.CancelSession),
  endSession: call(OverviewService.EndSession),
  history: call(OverviewService.History),
  compare: call(OverviewService.Compare),
  recent: call(OverviewService.Recent),

  tenants: call(TenantsService.List),
  findTenant: call(TenantsService.Find),
  tenant: call(TenantsService.Get),
  assign: call(TenantsService.Assign),
  wouldAssign: call(TenantsService.WouldAssign),
  assignMany: call(TenantsService.AssignMany),
  checkTenants: call(TenantsService.Check),
  exportTenants: call(TenantsService.Export),
  map: call(TenantsService.Map),

  planMove: call(MovesService.Plan),
  startMove: call(MovesService.Start),
  actOnMove: call(MovesService.Act),
  moves: call(MovesService.List),
  move: call(MovesService.Get),
  workers: call(MovesService.Workers),
  reportMove: call(MovesService.Report),
  saveReport: call(MovesService.SaveReport),
  reentry: call(MovesService.Reentry),
  pauseQueue: call(MovesService.PauseQueue),
  resumeQueue: call(MovesService.ResumeQueue),

  rebalance: call(RebalanceService.Plan),
  applyRebalance: call(RebalanceService.Apply),

  alerts: call(AlertsService.List),
  ackAlert: call(AlertsService.Acknowledge),
  silence: call(AlertsService.Silence),
  unsilence: call(AlertsService.Unsilence),
  testChannel: call(AlertsService.Test),

  audit: call(AuditService.List),
  auditFacets: call(AuditService.Facets),
  savedFilters: call(AuditService.Filters),
  saveFilter: call(AuditService.SaveFilter),
  removeFilter: call(AuditService.RemoveFilter),
  verifyAudit: call(AuditService.Verify),
  syncAudit: call(AuditService.Sync),
  auditAlarms: call(AuditService.Alarms),
  restartCopy: call(AuditService.Restart),
  reportKinds: call(AuditService.ReportKinds),
  reportSchedules: call(AuditService.Schedules),
  previewReport: call(AuditService.Preview),
  exportAudit: call(AuditService.Export),
  showFolder: call(AuditService.ShowFolder),

  fleets: call(SettingsService.Fleets),
  addFleet: call(SettingsService.AddFleet),
  importFleet: call(SettingsService.ImportFleet),
  tryFleet: call(SettingsService.TryFleet),
  tryImport: call(SettingsService.TryImport),
  unknownHost: call(SettingsService.UnknownHost),
  trustHost: call(SettingsService.TrustHost),
  vault: call(SettingsService.Vault),
  unlockVault: call(SettingsService.UnlockVault),
  testFleet: call(SettingsService.TestFleet),
  removeFleet: call(SettingsService.RemoveFleet),
  policy: call(SettingsService.Policy),
  setOperatorRole: call(SettingsService.SetOperatorRole),
  setFlag: call(SettingsService.SetFlag),
  settings: call(SettingsService.Settings),
  set: call(SettingsService.Set),
  setCredential: call(SettingsService.SetCredential),
  rotateCredential: call(SettingsService.RotateCredential),
  testCredential: call(SettingsService.TestCredential),
  forgetCredential: call(SettingsService.ForgetCredential),
  doctor: call(SettingsService.Doctor),
  installStatus: call(SettingsService.InstallStatus),
  install: call(SettingsService.Install),
  installScript: call(SettingsService.InstallScript),
  demoStatus: call(SettingsService.DemoStatus),
  startDemo: call(SettingsService.StartDemo),
};
