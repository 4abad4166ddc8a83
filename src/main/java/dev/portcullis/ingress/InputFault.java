package dev.portcullis.ingress;

/**
 * A request that cannot be understood or names what is not there. Thrown while it is read, before anything is
 * done.
 */
public final class InputFault extends RuntimeException {
  private final transient Problem problem;

  private InputFault(Problem problem) {
    super(problem.message(), null, false, false); // The client's mistake: no trace of ours.
    this.problem = problem;
  }

  public static InputFault of(Problem problem) {
    return new InputFault(problem);
  }

  public Problem problem() {
    return problem;
  }
}
