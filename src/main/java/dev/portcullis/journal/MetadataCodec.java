package dev.portcullis.journal;

import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.Serializers;
import scala.Option;

/** What stands beside an event or a snapshot, to and from bytes. */
final class MetadataCodec {
  private MetadataCodec() {}

  static StoredEvent.Metadata encode(Serialization serialization, Option<Object> metadata) {
    if (metadata.isEmpty()) {
      return StoredEvent.Metadata.NONE;
    }
    var value = metadata.get();
    var serializer = serialization.findSerializerFor(value);
    return new StoredEvent.Metadata(
        serializer.identifier(),
        Serializers.manifestFor(serializer, value),
        serialization.serialize(value).get());
  }

  static Object decode(Serialization serialization, StoredEvent.Metadata metadata) {
    return serialization.deserialize(metadata.payload(), metadata.serializerId(), metadata.manifest()).get();
  }
}
