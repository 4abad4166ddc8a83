package dev.portcullis.ingress;

/** The one table of what can be asked and the scope it takes, for every transport alike. */
public enum Operation {
  READ_API(Scope.READ),
  READ_MODELS(Scope.READ),
  READ_SESSIONS(Scope.READ),
  READ_RUN(Scope.READ),
  READ_STATUS(Scope.READ),
  READ_APPROVALS(Scope.READ),
  SUBMIT(Scope.WRITE),
  ABORT_RUN(Scope.WRITE),
  RESUME_RUN(Scope.WRITE),
  DECIDE_APPROVAL(Scope.APPROVALS),
  READ_PRESENCE(Scope.READ),
  PAIR_DEVICES(Scope.PAIRING),
  RESET_SESSION(Scope.ADMIN),
  DELETE_RESPONSE(Scope.WRITE),
  DELETE_SESSION(Scope.ADMIN),
  READ_JOURNAL(Scope.ADMIN),
  READ_CREDENTIALS(Scope.ADMIN),
  CHANGE_CREDENTIALS(Scope.ADMIN),
  DRAIN(Scope.ADMIN);

  private final Scope scope;

  Operation(Scope scope) {
    this.scope = scope;
  }

  /** What a principal must hold. */
  public Scope scope() {
    return scope;
  }
}
