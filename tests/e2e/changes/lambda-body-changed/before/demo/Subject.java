package demo;

public class Subject {
    static String run() {
        java.util.function.Supplier<String> s = () -> "old";
        return s.get();
    }
}
