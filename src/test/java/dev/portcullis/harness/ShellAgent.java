package dev.portcullis.harness;

import java.util.List;

/** An agent of ten lines that starts in milliseconds: it shakes hands, says "working" in its first turn, and does one deed. */
public final class ShellAgent {
  public static final String SHELL = "/bin/sh";

  private ShellAgent() {}

  /** @param deed shell commands; when they are done, so is the agent */
  public static List<String> arguments(String deed) {
    return List.of("-c", """
        read -r initialize
        echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentInfo":{"name":"shell","version":"1"}}}'
        read -r new
        echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}}'
        read -r prompt
        say() {
          printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{'
          printf '"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"%s"}}}}\\n' "$1"
        }
        say working
        """ + deed);
  }
}
