package demo;

public class Subject {
    @Deprecated
    static String run() {
        return "old";
    }
}
