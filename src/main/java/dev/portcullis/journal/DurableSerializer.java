package dev.portcullis.journal;

import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/** {@link EventCodec} as Pekko wants it, for everything {@link Durable}. The id is on disk for ever. */
public final class DurableSerializer extends SerializerWithStringManifest {

  /** Written beside each event. */
  public static final int ID = 84200;

  private final EventCodec codec;

  /** Made by Pekko. A system without a table still starts: it refuses the first {@link Durable} by name. */
  public DurableSerializer(ExtendedActorSystem system) {
    var setup = system.settings().setup();
    this.codec = new EventCodec(setup
        .get(JournalSetup.class)
        .map(JournalSetup::types)
        .or(() -> setup.get(EventTypes.class))
        .orElseGet(() -> EventTypes.builder().build()));
  }

  @Override
  public int identifier() {
    return ID;
  }

  @Override
  public String manifest(Object value) {
    return codec.manifestOf(value);
  }

  @Override
  public byte[] toBinary(Object value) {
    return codec.encode(value);
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) {
    return codec.decode(manifest, bytes);
  }
}
